import type { BootTree } from '../boot/tree.ts'
import { DecodeError } from '../bytes/decode-error.ts'
import { formatIpv4, type Ipv4 } from '../bytes/ipv4.ts'
import type { Forwarder } from '../content/forwarder.ts'
import { type OpenedFile, openTreeFile } from '../content/open-file.ts'
import type { BlockingSocket } from '../net/blocking-socket.ts'
import { type BlockSource, bytesSource, netasciiBytes, netasciiSource, octetSource } from './block-source.ts'
import { agreeTerms, decideRequest } from './decide-request.ts'
import { fetchScript, scriptTarget } from './fetch-script.ts'
import { decodePacket, ErrorCode, type ErrorPacket, encodePacket, Opcode, type RequestPacket } from './packet.ts'
import { type TftpEvent, tftpEvent } from './tftp-event.ts'
import { Transfer, type TransferOutcome } from './transfer.ts'

export type TftpLimits = {
  transfers: number
  transfersPerAddress: number
  /** What the client asks for is also cut to what fits the interface's MTU. */
  maxBlockBytes: number
  maxWindowBlocks: number
  /** A client silent for this long is given up. */
  giveUpMs: number
}

/** IPv4 in host order. */
type Remote = { address: number; port: number }
type Session = Remote & { path: string; startedAtMs: number; socket: BlockingSocket; transfer?: Transfer }
type Opened = OpenedFile | Awaited<ReturnType<typeof fetchScript>>
/** What a transfer sends; its size where that is known before it is read. */
type Content = { source: BlockSource; sizeBytes: number | undefined; close(): void }
type Refusal = { kind: 'missing' | 'refused' | 'ignored'; reason: string }

const ackBytes = 4

export type ListenerOptions = {
  tree: BootTree
  /** Where boot scripts are asked for; without it there are files alone. */
  scripts?: Forwarder
  limits: TftpLimits
  /** Requests come to this one. */
  listening: BlockingSocket
  /**
   * Transfers take turns on these, so that two in a row from one port of a client never have the same pair of ports: a late
   * datagram of the first is none of the second (RFC 1350 §4). One for each transfer would cost most of the time it takes.
   */
  transferring: readonly BlockingSocket[]
  onEvent(event: TftpEvent): void
}

/** TFTP at one address: requests, and the transfers that came of them. Driven by its owner, who waits on the sockets. */
export class TftpListener {
  readonly sockets: readonly BlockingSocket[]
  readonly #options: ListenerOptions
  /** By address and port of the client; a session stands here from its first packet on. */
  readonly #sessions = new Map<number, Session>()
  readonly #sessionsOfAddress = new Map<number, number>()
  #turn = 0
  #opening = 0
  #nowMs = performance.now()

  constructor(options: ListenerOptions) {
    this.#options = options
    this.sockets = [options.listening, ...options.transferring]
  }

  /** Files are being opened: the event loop must run. */
  get isOpening(): boolean {
    return this.#opening > 0
  }

  /** Something came to this socket of ours. Throws LinuxError. */
  receive(socket: BlockingSocket, nowMs: number): void {
    this.#nowMs = nowMs
    if (socket === this.#options.listening) {
      socket.receive((payload, length, address, port) =>
        this.#receiveRequest(payload.subarray(0, length), { address, port }),
      )
    } else {
      socket.receive((payload, length, address, port) => this.#receiveReply(socket, payload, length, address, port))
    }
  }

  flush(): void {
    for (const socket of this.sockets) socket.flush()
  }

  /** For what is late. */
  tick(nowMs: number): void {
    this.#nowMs = nowMs
    for (const { transfer } of this.#sessions.values()) transfer?.tick(nowMs)
  }

  stop(): void {
    for (const { transfer } of this.#sessions.values()) transfer?.stop('the server stops')
    this.flush()
    for (const socket of this.sockets) socket.close()
    this.#options.scripts?.close()
  }

  #receiveRequest(datagram: Buffer, remote: Remote): void {
    const request = this.#decode(datagram, remote)
    // ERROR after an ERROR of ours, or ACK to the wrong port: an answer could start a loop.
    if (request?.kind !== 'rrq' && request?.kind !== 'wrq') return
    const session = this.#newSession(remote, request.filename)
    const decision = decideRequest(request)
    if (decision.kind === 'refuse') {
      this.#sendError(remote, decision.error)
      this.#report(session, { kind: 'refused', reason: decision.error.message })
      return
    }
    const running = this.#sessions.get(sessionKey(remote))
    // Our first answer was lost or is on its way: the transfer's clock sends it again.
    if (running?.path === session.path) return
    running?.transfer?.stop('replaced by another request from the same port')
    const full = this.#fullBecause(remote.address)
    if (full !== undefined || this.#sessions.has(sessionKey(remote))) {
      this.#report(session, { kind: 'ignored', reason: full ?? 'another request from the same port is being opened' })
      return
    }
    this.#begin(session, request, decision.mode)
  }

  #decode(datagram: Buffer, remote: Remote): ReturnType<typeof decodePacket> | undefined {
    try {
      return decodePacket(datagram)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.#report(this.#newSession(remote, ''), { kind: 'ignored', reason: error.message })
      return undefined
    }
  }

  #newSession({ address, port }: Remote, path: string): Session {
    const { transferring } = this.#options
    this.#turn = (this.#turn + 1) % transferring.length
    return { address, port, path, startedAtMs: this.#nowMs, socket: transferring[this.#turn]! }
  }

  #begin(session: Session, request: RequestPacket, mode: 'octet' | 'netascii'): void {
    this.#enter(session)
    this.#opening++
    this.#open(session)
      .then((opened) => {
        if ('reason' in opened) this.#refuse(session, opened)
        else this.#startTransfer(session, request, contentOf(opened, mode))
      })
      .catch((error) => {
        this.#sendError(session, { kind: 'error', code: ErrorCode.undefined, message: 'the server cannot read it' })
        this.#leave(session)
        this.#report(session, { kind: 'failed', bytes: 0, reason: String(error?.message ?? error), cause: error })
      })
      .finally(() => {
        this.#opening--
      })
  }

  #open({ path, address }: Session): Promise<Opened> {
    const { tree, scripts } = this.#options
    const target = scripts && scriptTarget(path)
    return target === undefined ? openTreeFile(tree, path) : fetchScript(scripts!, target, formatIpv4(address as Ipv4))
  }

  #startTransfer(session: Session, request: RequestPacket, { source, sizeBytes, close }: Content): void {
    const { socket, address, port } = session
    session.transfer = new Transfer({
      source,
      terms: agreeTerms(request.options, sizeBytes, this.#options.limits),
      giveUpMs: this.#options.limits.giveUpMs,
      nowMs: performance.now(),
      send: (datagram) => socket.send(datagram, address, port),
      onEnd: (outcome) => {
        this.#leave(session)
        this.#report(session, outcome)
        close()
      },
    })
    session.transfer.start()
  }

  /** Nearly always an acknowledgement: nothing is made of it but two numbers. */
  #receiveReply(socket: BlockingSocket, payload: Buffer, length: number, address: number, port: number): void {
    const session = this.#sessions.get(address * 0x10000 + port)
    if (session?.socket === socket && length === ackBytes && payload[1] === Opcode.ack && payload[0] === 0) {
      session.transfer?.receiveAck((payload[2]! << 8) | payload[3]!, this.#nowMs)
    } else {
      this.#receiveOther(socket, payload.subarray(0, length), { address, port }, session)
    }
  }

  #receiveOther(socket: BlockingSocket, datagram: Buffer, remote: Remote, session: Session | undefined): void {
    let packet: ReturnType<typeof decodePacket>
    try {
      packet = decodePacket(datagram)
    } catch (error) {
      if (error instanceof DecodeError) return // a malformed packet is a lost one
      throw error
    }
    if (session?.socket === socket) {
      if (packet.kind === 'ack') session.transfer?.receiveAck(packet.block, this.#nowMs)
      if (packet.kind === 'error') session.transfer?.receiveError(packet.code, packet.message)
    } else if (session === undefined && packet.kind !== 'error') {
      const error = { kind: 'error', code: ErrorCode.unknownTransferId, message: 'unknown transfer' } as const
      socket.send(encodePacket(error), remote.address, remote.port)
    }
  }

  #fullBecause(address: number): string | undefined {
    const { transfers, transfersPerAddress } = this.#options.limits
    if (this.#sessions.size >= transfers) return `${this.#sessions.size} transfers are under way`
    const count = this.#sessionsOfAddress.get(address) ?? 0
    return count >= transfersPerAddress ? `${count} transfers to this address are under way` : undefined
  }

  #enter(session: Session): void {
    this.#sessions.set(sessionKey(session), session)
    this.#sessionsOfAddress.set(session.address, (this.#sessionsOfAddress.get(session.address) ?? 0) + 1)
  }

  #leave(session: Session): void {
    if (!this.#sessions.delete(sessionKey(session))) return
    const count = this.#sessionsOfAddress.get(session.address)! - 1
    if (count === 0) this.#sessionsOfAddress.delete(session.address)
    else this.#sessionsOfAddress.set(session.address, count)
  }

  #refuse(session: Session, { kind, reason }: { kind: 'missing' | 'outside'; reason: string }): void {
    this.#leave(session)
    const isMissing = kind === 'missing'
    const code = isMissing ? ErrorCode.fileNotFound : ErrorCode.accessViolation
    const message = isMissing ? 'no such file' : 'this file leads out of what is served'
    this.#sendError(session, { kind: 'error', code, message })
    this.#report(session, { kind: isMissing ? 'missing' : 'refused', reason })
  }

  #sendError({ address, port }: Remote, error: ErrorPacket): void {
    this.#options.listening.send(encodePacket(error), address, port)
  }

  #report({ address, port, path, startedAtMs }: Session, outcome: TransferOutcome | Refusal): void {
    const request = { remoteAddress: formatIpv4(address as Ipv4), remotePort: port, path, startedAtMs }
    this.#options.onEvent(tftpEvent(request, outcome, performance.now()))
  }
}

function contentOf(opened: Exclude<Opened, { reason: string }>, mode: 'octet' | 'netascii'): Content {
  const isText = mode === 'netascii'
  if (opened.kind === 'script') {
    const bytes = isText ? netasciiBytes(opened.bytes) : opened.bytes
    return { source: bytesSource(bytes), sizeBytes: bytes.length, close: () => {} }
  }
  const { handle, sizeBytes } = opened
  const source = isText ? netasciiSource(handle.fd) : octetSource(handle.fd)
  return { source, sizeBytes: isText ? undefined : sizeBytes, close: () => void handle.close().catch(() => {}) }
}

function sessionKey({ address, port }: Remote): number {
  return address * 0x10000 + port
}
