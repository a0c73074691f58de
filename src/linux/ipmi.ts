import { constants } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import koffi from 'koffi'
import { bindLibc, checkResult } from './libc.ts'
import { LinuxError } from './linux-error.ts'

/* linux/ipmi.h. The same on x86-64 and arm64. */
const IPMICTL_SEND_COMMAND = 0x8028_690d
const IPMICTL_RECEIVE_MSG_TRUNC = 0xc030_690b
const IPMI_SYSTEM_INTERFACE_ADDR_TYPE = 0x0c
const IPMI_BMC_CHANNEL = 0x0f
const IPMI_RESPONSE_RECV_TYPE = 1

/** Where things stand in the memory of one exchange: struct ipmi_req (40 bytes) or ipmi_recv (48), the address, the data. */
const addressOffset = 64
const addressBytes = 32
const dataOffset = addressOffset + addressBytes
const dataBytes = 272
const lookEveryMs = 20

const ioctl = bindLibc<(fd: number, request: number, argument: unknown) => number>(
  'int ioctl(int fd, unsigned long request, void *argument)',
)

/** The BMC gave no answer in time. */
export class BmcSilent extends Error {
  override readonly name = 'BmcSilent'
}

let lastMessageId = 0

/**
 * One IPMI request to the machine's own BMC through an open /dev/ipmi0, and the answer's bytes, completion code first. Rejects
 * with LinuxError and BmcSilent.
 */
export async function askBmc(
  fd: number,
  request: { netFn: number; command: number; data?: Uint8Array },
  timeoutMs: number,
): Promise<Uint8Array> {
  const memory = koffi.alloc('uint8_t', dataOffset + dataBytes)
  try {
    const exchange = new Exchange(memory)
    const id = ++lastMessageId
    exchange.writeRequest(id, request)
    checkResult(ioctl(fd, IPMICTL_SEND_COMMAND, memory), () => `ioctl(${fd}, IPMICTL_SEND_COMMAND)`)
    const deadlineAt = performance.now() + timeoutMs
    while (performance.now() < deadlineAt) {
      exchange.prepareReceive()
      const result = ioctl(fd, IPMICTL_RECEIVE_MSG_TRUNC, memory)
      const errno = koffi.errno()
      if (result !== -1 && exchange.isAnswerTo(id)) return exchange.answer()
      if (result !== -1) continue
      if (errno !== constants.errno.EAGAIN) throw new LinuxError(`ioctl(${fd}, IPMICTL_RECEIVE_MSG_TRUNC)`, errno)
      await wait(lookEveryMs)
    }
    throw new BmcSilent(`The BMC did not answer within ${timeoutMs} ms`)
  } finally {
    koffi.free(memory)
  }
}

/** The memory that the kernel reads and writes. */
class Exchange {
  readonly #bytes: Buffer
  readonly #base: bigint

  constructor(memory: unknown) {
    this.#bytes = Buffer.from(koffi.view(memory, dataOffset + dataBytes))
    this.#bytes.fill(0)
    this.#base = koffi.address(memory)
  }

  /** struct ipmi_req: address, its length, message id, then struct ipmi_msg. */
  writeRequest(id: number, { netFn, command, data = new Uint8Array() }: Parameters<typeof askBmc>[1]): void {
    const bytes = this.#bytes
    bytes.writeInt32LE(IPMI_SYSTEM_INTERFACE_ADDR_TYPE, addressOffset)
    bytes.writeInt16LE(IPMI_BMC_CHANNEL, addressOffset + 4)
    bytes.writeBigUInt64LE(this.#base + BigInt(addressOffset), 0)
    bytes.writeUInt32LE(8, 8) // struct ipmi_system_interface_addr
    bytes.writeBigInt64LE(BigInt(id), 16)
    bytes.writeUInt8(netFn, 24)
    bytes.writeUInt8(command, 25)
    bytes.writeUInt16LE(data.length, 26)
    bytes.writeBigUInt64LE(this.#base + BigInt(dataOffset), 32)
    bytes.set(data, dataOffset)
  }

  /** struct ipmi_recv: kind, address, its room, message id, then struct ipmi_msg with the data's room. */
  prepareReceive(): void {
    const bytes = this.#bytes
    bytes.fill(0, 0, addressOffset)
    bytes.writeBigUInt64LE(this.#base + BigInt(addressOffset), 8)
    bytes.writeUInt32LE(addressBytes, 16)
    bytes.writeUInt16LE(dataBytes, 34)
    bytes.writeBigUInt64LE(this.#base + BigInt(dataOffset), 40)
  }

  isAnswerTo(id: number): boolean {
    return this.#bytes.readInt32LE(0) === IPMI_RESPONSE_RECV_TYPE && this.#bytes.readBigInt64LE(24) === BigInt(id)
  }

  answer(): Uint8Array {
    const length = Math.min(this.#bytes.readUInt16LE(34), dataBytes)
    return Uint8Array.from(this.#bytes.subarray(dataOffset, dataOffset + length))
  }
}
