import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import {
  Command,
  CommandFlag,
  clientFlagsBytes,
  decodeOptionHeader,
  decodeRequest,
  ErrorCode,
  encodeExportInfo,
  encodeGreeting,
  encodeOptionReply,
  encodeReply,
  Option,
  OptionReply,
  optionHeaderBytes,
  type Request,
  requestBytes,
} from './nbd-protocol.ts'

/** Longer requests and options come from no QEMU. */
const longestRequestBytes = 32 * 2 ** 20
const longestOptionBytes = 8192

/** What is behind a server. */
export type NbdDisk = {
  sizeBytes: number
  read(offset: number, length: number): Promise<Buffer>
  write(offset: number, data: Uint8Array): Promise<void>
  zero(offset: number, length: number): Promise<void>
  flush(): Promise<void>
}

/** Gives one machine at a time a disk, over a unix socket; requests are done one after the other. */
export class NbdServer implements AsyncDisposable {
  readonly #disk: NbdDisk
  readonly #server: Server
  readonly #connections = new Set<Socket>()
  #served: Promise<void> = Promise.resolve()

  private constructor(disk: NbdDisk) {
    this.#disk = disk
    this.#server = createServer((socket) => {
      this.#connections.add(socket)
      socket.on('error', () => {}) // who reads sees the end
      this.#served = this.#served.then(() => this.#serve(socket))
    })
  }

  static async listen(socketPath: string, disk: NbdDisk): Promise<NbdServer> {
    const server = new NbdServer(disk)
    server.#server.listen(socketPath)
    await once(server.#server, 'listening')
    return server
  }

  /** Resolves when what a machine that is gone still had sent is done. */
  async idle(): Promise<void> {
    await this.#served
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#connections) socket.destroy()
    await this.#served
    this.#server.close()
  }

  async #serve(socket: Socket): Promise<void> {
    try {
      const incoming = new Incoming(socket)
      if (await negotiate(socket, incoming, this.#disk.sizeBytes)) await transmit(socket, incoming, this.#disk)
    } catch {
      // broken off, or not NBD: the machine sees its disk go, and says so
    } finally {
      socket.destroy()
      this.#connections.delete(socket)
    }
  }
}

/** True when the client goes on to requests. */
async function negotiate(socket: Socket, incoming: Incoming, sizeBytes: number): Promise<boolean> {
  socket.write(encodeGreeting())
  if (!(await incoming.take(clientFlagsBytes))) return false
  for (;;) {
    const head = await incoming.take(optionHeaderBytes)
    if (!head) return false
    const { option, length } = decodeOptionHeader(head)
    if (length > longestOptionBytes || (length > 0 && !(await incoming.take(length)))) return false
    if (option === Option.GO || option === Option.INFO) {
      socket.write(encodeOptionReply(option, OptionReply.INFO, encodeExportInfo(sizeBytes)))
      socket.write(encodeOptionReply(option, OptionReply.ACK))
      if (option === Option.GO) return true
    } else if (option === Option.ABORT || option === Option.EXPORT_NAME) return false
    else socket.write(encodeOptionReply(option, OptionReply.ERR_UNSUP))
  }
}

async function transmit(socket: Socket, incoming: Incoming, disk: NbdDisk): Promise<void> {
  for (;;) {
    const head = await incoming.take(requestBytes)
    if (!head) return
    const request = decodeRequest(head)
    const { type, length } = request
    const carriesData = type === Command.READ || type === Command.WRITE
    if (type === Command.DISC || (carriesData && length > longestRequestBytes)) return
    const data = type === Command.WRITE ? await incoming.take(length) : undefined
    if (type === Command.WRITE && !data) return
    await answer(socket, request, disk, data)
  }
}

async function answer(socket: Socket, request: Request, disk: NbdDisk, data: Buffer | undefined): Promise<void> {
  let error: number = ErrorCode.none
  let read: Buffer | undefined
  try {
    if (request.offset + request.length > disk.sizeBytes) error = ErrorCode.EINVAL
    else read = await execute(request, disk, data)
  } catch {
    error = ErrorCode.EIO
  }
  socket.write(encodeReply(request.handle, error))
  if (read && error === ErrorCode.none && !socket.write(read)) await drained(socket)
}

/** Resolves also when the client is gone. */
async function drained(socket: Socket): Promise<void> {
  const stop = new AbortController()
  const { signal } = stop
  await Promise.race(['drain', 'close'].map((event) => once(socket, event, { signal }))).finally(() => stop.abort())
}

async function execute(request: Request, disk: NbdDisk, data: Buffer | undefined): Promise<Buffer | undefined> {
  const { type, offset, length, flags } = request
  if (type === Command.READ) return disk.read(offset, length)
  if (data) await disk.write(offset, data)
  if (type === Command.TRIM || type === Command.WRITE_ZEROES) await disk.zero(offset, length)
  // Forced unit access asks for this write alone; a disk may settle more than it is asked to.
  if (type === Command.FLUSH || (flags & CommandFlag.FUA) !== 0) await disk.flush()
  return undefined
}

/** What a client sends, in the lengths that the protocol says. */
class Incoming {
  readonly #pieces: AsyncIterator<Buffer>
  #left: Buffer = Buffer.alloc(0)

  constructor(socket: Socket) {
    this.#pieces = socket[Symbol.asyncIterator]()
  }

  /** So many bytes; undefined where the stream ends before. */
  async take(length: number): Promise<Buffer | undefined> {
    const pieces = [this.#left]
    let have = this.#left.length
    while (have < length) {
      const next = await this.#pieces.next()
      if (next.done) return undefined
      pieces.push(next.value)
      have += next.value.length
    }
    const all = pieces.length === 1 ? this.#left : Buffer.concat(pieces)
    this.#left = all.subarray(length)
    return all.subarray(0, length)
  }
}
