import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { BootTree } from '../boot/tree.ts'
import { DecodeError } from '../bytes/decode-error.ts'
import { printable } from '../bytes/printable.ts'
import { type OpenFile, openTreeFile } from '../content/open-file.ts'
import { openUdpSocket, type UdpSocket } from '../net/udp-socket.ts'
import { netasciiSource, octetSource } from './block-source.ts'
import { agreeTerms, decideRequest } from './decide-request.ts'
import { decodePacket, ErrorCode, type ErrorPacket, encodePacket, type RequestPacket } from './packet.ts'
import { Transfer, type TransferOutcome } from './transfer.ts'

/** What happened to one request; `path` and reasons are printable. */
export type TftpEvent = {
  remoteAddress: string
  remotePort: number
  path: string
  durationMs: number
} & (
  | TransferOutcome
  /** Answered with ERROR 1. */
  | { kind: 'missing'; reason: string }
  /** Answered with another ERROR. */
  | { kind: 'refused'; reason: string }
  /** Not answered: malformed, or a limit is reached and the client's own retry is the best queue there is. */
  | { kind: 'ignored'; reason: string }
)

export type TftpLimits = {
  transfers: number
  transfersPerAddress: number
  /** What the client asks for is also cut to what fits the interface's MTU. */
  maxBlockBytes: number
  maxWindowBlocks: number
  /** A client silent for this long is given up. */
  giveUpMs: number
}

export const defaultTftpLimits: TftpLimits = {
  transfers: 1024,
  transfersPerAddress: 8,
  maxBlockBytes: 65464,
  maxWindowBlocks: 64,
  giveUpMs: 45_000,
}

export type OpenTransferSocket = (options: { interface?: string; address: string; port: number }) => Promise<UdpSocket>

export type TftpOptions = {
  /** Serves this interface only; without it, whatever reaches `address`. */
  interface?: string
  /** Our own address there, dotted. */
  address: string
  /** 69 where not given; 0 lets the kernel choose. */
  port?: number
  tree: BootTree
  limits?: Partial<TftpLimits>
  onEvent(event: TftpEvent): void
  /** Called when requests are answered from now on. */
  onListening?(port: number): void
  /** Another way to open sockets, for tests on a lossy one. */
  openSocket?: OpenTransferSocket
  signal: AbortSignal
}

/** IPv4, UDP and TFTP headers of a DATA packet. */
const dataOverheadBytes = 20 + 8 + 4

/** Answers until the signal aborts; transfers under way are then ended. Rejects when the listening socket dies. */
export async function serveTftp(options: TftpOptions): Promise<void> {
  const limits = { ...defaultTftpLimits, ...options.limits }
  limits.maxBlockBytes = Math.min(limits.maxBlockBytes, (await mtuBytes(options.interface)) - dataOverheadBytes)
  const server = new TftpServer(options, limits)
  await server.run()
}

/** Where a datagram came from. */
type Remote = { address: string; port: number }
type Client = { address: string; port: number; path: string; startedAt: number }
type Session = Client & { transfer?: Transfer }

class TftpServer {
  readonly #options: TftpOptions
  readonly #limits: TftpLimits
  readonly #openSocket: OpenTransferSocket
  /** By address and port of the client; a session stands here from its first packet on. */
  readonly #sessions = new Map<string, Session>()
  readonly #sessionsOfAddress = new Map<string, number>()
  #socket!: UdpSocket

  constructor(options: TftpOptions, limits: TftpLimits) {
    this.#options = options
    this.#limits = limits
    this.#openSocket = options.openSocket ?? openUdpSocket
  }

  async run(): Promise<void> {
    const { signal, port = 69 } = this.#options
    this.#socket = await this.#openSocketOn(port)
    this.#socket.on('message', (datagram, remote) => this.#receive(datagram, remote))
    this.#options.onListening?.(this.#socket.address().port)
    try {
      if (!signal.aborted) await once(this.#socket, 'close', { signal })
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      for (const session of this.#sessions.values()) session.transfer?.stop('the server stops')
      this.#socket.close()
    }
  }

  #receive(datagram: Buffer, remote: Remote): void {
    const client = { address: remote.address, port: remote.port, path: '', startedAt: performance.now() }
    let packet: ReturnType<typeof decodePacket>
    try {
      packet = decodePacket(datagram)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.#report(client, { kind: 'ignored', reason: error.message })
      return
    }
    // ERROR after an ERROR of ours, or ACK to the wrong port: an answer could start a loop.
    if (packet.kind !== 'rrq' && packet.kind !== 'wrq') return
    this.#receiveRequest({ ...client, path: packet.filename }, packet)
  }

  #receiveRequest(client: Client, request: RequestPacket): void {
    const decision = decideRequest(request)
    if (decision.kind === 'refuse') {
      this.#sendError(client, decision.error)
      this.#report(client, { kind: 'refused', reason: decision.error.message })
      return
    }
    const key = sessionKey(client)
    const running = this.#sessions.get(key)
    // Our first answer was lost or is on its way: the transfer's timer sends it again.
    if (running?.path === client.path) return
    running?.transfer?.stop('replaced by another request from the same port')
    const full = this.#fullBecause(client.address)
    if (full !== undefined || this.#sessions.has(key)) {
      this.#report(client, { kind: 'ignored', reason: full ?? 'another request from the same port is being opened' })
      return
    }
    this.#begin(client, request, decision.mode).catch((error) => {
      this.#sendError(client, { kind: 'error', code: ErrorCode.undefined, message: 'the server cannot read it' })
      this.#leave(client)
      this.#report(client, { kind: 'failed', bytes: 0, reason: String(error?.message ?? error), cause: error })
    })
  }

  /** Rejects when the file or the socket cannot be opened. */
  async #begin(client: Client, request: RequestPacket, mode: 'octet' | 'netascii'): Promise<void> {
    const session: Session = client
    this.#enter(session)
    const opened = await openTreeFile(this.#options.tree, client.path)
    if (opened.kind !== 'file') {
      this.#leave(client)
      this.#refuse(client, opened)
      return
    }
    const socket = await this.#openSocketOn(0).catch(async (error) => {
      await opened.handle.close()
      throw error
    })
    if (this.#options.signal.aborted) {
      socket.close()
      await opened.handle.close()
      return
    }
    session.transfer = this.#startTransfer(session, request, mode, opened, socket)
  }

  #startTransfer(
    session: Session,
    request: RequestPacket,
    mode: 'octet' | 'netascii',
    file: OpenFile,
    socket: UdpSocket,
  ): Transfer {
    const isText = mode === 'netascii'
    const transfer = new Transfer({
      source: isText ? netasciiSource(file.handle) : octetSource(file.handle),
      terms: agreeTerms(request.options, isText ? undefined : file.sizeBytes, this.#limits),
      giveUpMs: this.#limits.giveUpMs,
      // A datagram that cannot be sent is a lost one; the timer sends it again.
      send: (datagram) => socket.send(datagram, session.port, session.address, () => {}),
      onEnd: (outcome) => {
        this.#leave(session)
        this.#report(session, outcome)
        // Sends are queued in order: closing after the last one is out, also an ERROR's.
        setImmediate(() => socket.close())
        file.handle.close().catch(() => {})
      },
    })
    socket.on('error', (error) => transfer.fail(error))
    socket.on('message', (datagram, remote) => receiveForTransfer(transfer, session, socket, datagram, remote))
    transfer.start()
    return transfer
  }

  #openSocketOn(port: number): Promise<UdpSocket> {
    const { interface: name, address } = this.#options
    // No SO_REUSEADDR: with it the kernel may choose the same free port for two transfers.
    const options = { address, port, reuseAddress: false }
    return this.#openSocket(name === undefined ? options : { interface: name, ...options })
  }

  #fullBecause(address: string): string | undefined {
    if (this.#sessions.size >= this.#limits.transfers) return `${this.#sessions.size} transfers are under way`
    const count = this.#sessionsOfAddress.get(address) ?? 0
    return count >= this.#limits.transfersPerAddress ? `${count} transfers to this address are under way` : undefined
  }

  #enter(session: Session): void {
    this.#sessions.set(sessionKey(session), session)
    this.#sessionsOfAddress.set(session.address, (this.#sessionsOfAddress.get(session.address) ?? 0) + 1)
  }

  #leave(client: Client): void {
    if (!this.#sessions.delete(sessionKey(client))) return
    const count = this.#sessionsOfAddress.get(client.address)! - 1
    if (count === 0) this.#sessionsOfAddress.delete(client.address)
    else this.#sessionsOfAddress.set(client.address, count)
  }

  #refuse(client: Client, { kind, reason }: { kind: 'missing' | 'outside'; reason: string }): void {
    const isMissing = kind === 'missing'
    const code = isMissing ? ErrorCode.fileNotFound : ErrorCode.accessViolation
    const message = isMissing ? 'no such file' : 'this file leads out of what is served'
    this.#sendError(client, { kind: 'error', code, message })
    this.#report(client, { kind: isMissing ? 'missing' : 'refused', reason })
  }

  #sendError(client: Client, error: ErrorPacket): void {
    this.#socket.send(encodePacket(error), client.port, client.address, () => {})
  }

  #report(
    client: Client,
    outcome: TransferOutcome | { kind: 'missing' | 'refused' | 'ignored'; reason: string },
  ): void {
    const shown = 'reason' in outcome ? { ...outcome, reason: printable(outcome.reason) } : outcome
    this.#options.onEvent({
      remoteAddress: client.address,
      remotePort: client.port,
      path: printable(client.path),
      durationMs: performance.now() - client.startedAt,
      ...shown,
    })
  }
}

function receiveForTransfer(
  transfer: Transfer,
  client: Client,
  socket: UdpSocket,
  datagram: Buffer,
  remote: Remote,
): void {
  if (remote.port !== client.port || remote.address !== client.address) {
    const error = { kind: 'error', code: ErrorCode.unknownTransferId, message: 'unknown transfer' } as const
    socket.send(encodePacket(error), remote.port, remote.address, () => {})
    return
  }
  try {
    transfer.receive(decodePacket(datagram))
  } catch (error) {
    // A malformed packet is a lost one.
    if (!(error instanceof DecodeError)) throw error
  }
}

function sessionKey(client: Client): string {
  return `${client.address}:${client.port}`
}

const ethernetMtuBytes = 1500

/** Ethernet's where there is no interface to ask, or /sys shows those of another network namespace. */
async function mtuBytes(interfaceName: string | undefined): Promise<number> {
  if (interfaceName === undefined) return ethernetMtuBytes
  try {
    return Number(await readFile(`/sys/class/net/${interfaceName}/mtu`, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ethernetMtuBytes
    throw error
  }
}
