import type { Socket } from 'node:dgram'
import { GaveUp } from './gave-up.ts'

const blockBytes = 1468
/** EDK2's. */
const timeoutMs = 4000
const attempts = 6
const opcode = { rrq: 1, data: 3, ack: 4, error: 5, oack: 6 }
const port = 69

export type TftpOptions = { tsize?: 0; blksize: number; windowsize: number }

/** As OVMF asks for a file's size: it refuses the answer's transfer. Rejects with GaveUp. */
export async function askSizeByTftp(socket: Socket, server: string, file: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const request = encodeRequest(file, { tsize: 0, blksize: blockBytes, windowsize: 4 })
  const sender = new Sender(socket, () => reject(new GaveUp(`TFTP: the size of ${file} was not told`)))
  socket.on('message', (packet, from) => {
    if (packet.readUInt16BE(0) !== opcode.oack) return reject(refusal(file, packet))
    socket.send(Uint8Array.of(0, opcode.error, 0, 8, 0), from.port, from.address)
    resolve()
  })
  sender.send(request, port, server)
  await promise.finally(() => sender.stop())
  socket.close()
}

/** The file's bytes, counted. Rejects with GaveUp. */
export async function fetchByTftp(socket: Socket, server: string, file: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const sender = new Sender(socket, () => reject(new GaveUp(`TFTP: ${file} stopped coming`)))
  let [received, bytes, inWindow] = [0, 0, 0]
  const windowBlocks = 4
  socket.on('message', (packet, from) => {
    const kind = packet.readUInt16BE(0)
    if (kind === opcode.error) return reject(refusal(file, packet))
    if (kind === opcode.oack) return sender.send(encodeAck(0), from.port, from.address)
    if (kind !== opcode.data) return
    const isNext = packet.readUInt16BE(2) === ((received + 1) & 0xffff)
    if (isNext) {
      received += 1
      inWindow += 1
      bytes += packet.length - 4
    }
    const isLast = isNext && packet.length - 4 < blockBytes
    if (isNext && inWindow < windowBlocks && !isLast) return
    inWindow = 0
    sender.send(encodeAck(received & 0xffff), from.port, from.address)
    if (isLast) resolve(bytes)
  })
  sender.send(encodeRequest(file, { blksize: blockBytes, windowsize: windowBlocks }), port, server)
  try {
    return await promise
  } finally {
    sender.stop()
    socket.close()
  }
}

/** Sends a packet again until another one takes its place. */
class Sender {
  readonly #socket: Socket
  readonly #giveUp: () => void
  #timer: NodeJS.Timeout | undefined

  constructor(socket: Socket, giveUp: () => void) {
    this.#socket = socket
    this.#giveUp = giveUp
  }

  send(packet: Uint8Array, toPort: number, address: string, attempt = 1): void {
    clearTimeout(this.#timer)
    this.#socket.send(packet, toPort, address)
    this.#timer = setTimeout(() => {
      if (attempt === attempts) this.#giveUp()
      else this.send(packet, toPort, address, attempt + 1)
    }, timeoutMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}

function encodeRequest(file: string, options: TftpOptions): Buffer {
  const words = [file, 'octet', ...Object.entries(options).flatMap(([name, value]) => [name, String(value)])]
  return Buffer.concat([Uint8Array.of(0, opcode.rrq), Buffer.from(words.map((word) => `${word}\0`).join(''))])
}

function encodeAck(block: number): Uint8Array {
  return Uint8Array.of(0, opcode.ack, block >> 8, block)
}

function refusal(file: string, packet: Buffer): GaveUp {
  return new GaveUp(`TFTP: ${file}: ${packet.toString('latin1', 4).replace(/\0$/, '')}`)
}
