import { BlockRing } from './block-ring.ts'
import type { BlockSource } from './block-source.ts'
import type { TransferTerms } from './decide-request.ts'
import { ErrorCode, encodePacket } from './packet.ts'

export type TransferOutcome =
  /** `acknowledged` is false when the last block was sent and the client went on without a word, as many do. */
  | { kind: 'sent'; bytes: number; acknowledged: boolean }
  /** The client only wanted to know the options, most often the size. */
  | { kind: 'declined'; reason: string }
  | { kind: 'aborted'; bytes: number; reason: string }
  | { kind: 'timed-out'; bytes: number; reason: string }
  | { kind: 'failed'; bytes: number; reason: string; cause: unknown }

const firstTimeoutMs = 1000
const longestTimeoutMs = 8000
/** A client that has every block but the last acknowledged is most often already running what it loaded. */
const lastBlockTries = 4

export type TransferOptions = {
  source: BlockSource
  terms: TransferTerms
  /** Without any progress for this long the transfer ends. */
  giveUpMs: number
  /** A monotonic clock's. */
  nowMs: number
  send(datagram: Uint8Array): void
  /** Called once. */
  onEnd(outcome: TransferOutcome): void
}

/**
 * One file on its way to one client: sends a window of blocks, waits for its acknowledgement, sends the next. Only a
 * new acknowledgement or the clock ever causes a send, so duplicated packets do not multiply (RFC 1123 §4.2.3.1). It has no
 * timer of its own: whoever drives it tells the time, of many transfers at once.
 */
export class Transfer {
  readonly #options: TransferOptions
  readonly #ring: BlockRing
  readonly #windowBlocks: number
  readonly #firstTimeoutMs: number
  /** When `#timeoutMs` are over. */
  #dueMs = 0
  #timeoutMs: number
  #silentMs = 0
  #tries = 0
  #awaitsOptions: boolean
  /** Blocks counted from 0 without wrapping: all below `#acknowledged` arrived, all below `#sent` are sent. */
  #acknowledged = 0
  #sent = 0
  #ended = false

  constructor(options: TransferOptions) {
    this.#options = options
    this.#windowBlocks = options.terms.windowBlocks
    this.#ring = new BlockRing(options.source, options.terms.blockBytes, this.#windowBlocks)
    this.#awaitsOptions = options.terms.accepted.size > 0
    this.#firstTimeoutMs = options.terms.timeoutMs ?? firstTimeoutMs
    this.#timeoutMs = this.#firstTimeoutMs
  }

  start(): void {
    const { nowMs } = this.#options
    this.#dueMs = nowMs + this.#timeoutMs
    if (this.#awaitsOptions) this.#sendOptions()
    else this.#sendWindow()
  }

  /** An acknowledgement from this transfer's client. */
  receiveAck(block: number, nowMs: number): void {
    if (this.#ended) return
    if (this.#awaitsOptions) {
      if (block !== 0) return
      this.#awaitsOptions = false
      this.#progress(nowMs)
      return
    }
    const newBlocks = (block - this.#acknowledged) & 0xffff
    // 0 is a duplicate; more than was sent is an old one (or nonsense). Neither causes a send.
    if (newBlocks === 0 || newBlocks > this.#sent - this.#acknowledged) return
    this.#acknowledged += newBlocks
    if (this.#acknowledged === this.#ring.total) {
      this.#end({ kind: 'sent', bytes: this.#bytesDone(), acknowledged: true })
      return
    }
    // An acknowledgement inside the window says that what follows it was lost (RFC 7440 §4).
    this.#sent = this.#acknowledged
    this.#progress(nowMs)
  }

  /** An ERROR from this transfer's client. */
  receiveError(code: number, message: string): void {
    const reason = `the client says error ${code}: ${message}`
    const wanted = !this.#awaitsOptions && this.#acknowledged > 0
    this.#end(wanted ? { kind: 'aborted', bytes: this.#bytesDone(), reason } : { kind: 'declined', reason })
  }

  /** To be called from time to time: sends again, or gives up, when the client was silent for too long. */
  tick(nowMs: number): void {
    if (!this.#ended && nowMs >= this.#dueMs) this.#timeOut(nowMs)
  }

  /** Ends the transfer from our side; the client is told. */
  stop(reason: string): void {
    if (this.#ended) return
    this.#options.send(encodePacket({ kind: 'error', code: ErrorCode.undefined, message: reason }))
    this.#end({ kind: 'aborted', bytes: this.#bytesDone(), reason })
  }

  /** Ends the transfer because something of ours does not work. */
  fail(cause: unknown): void {
    if (this.#ended) return
    const reason = cause instanceof Error ? cause.message : String(cause)
    // Names of files and directories of this machine are nothing for the wire.
    this.#options.send(encodePacket({ kind: 'error', code: ErrorCode.undefined, message: 'the server cannot read it' }))
    this.#end({ kind: 'failed', bytes: this.#bytesDone(), reason, cause })
  }

  #progress(nowMs: number): void {
    this.#silentMs = 0
    this.#tries = 0
    this.#timeoutMs = this.#firstTimeoutMs
    this.#dueMs = nowMs + this.#timeoutMs
    this.#sendWindow()
  }

  #sendWindow(): void {
    if (this.#awaitsOptions) return
    try {
      const end = this.#acknowledged + this.#windowBlocks
      while (this.#sent < end) {
        const datagram = this.#ring.datagram(this.#sent, this.#acknowledged)
        if (datagram === undefined) return
        this.#options.send(datagram)
        this.#sent++
      }
    } catch (error) {
      this.fail(error)
    }
  }

  #sendOptions(): void {
    this.#options.send(encodePacket({ kind: 'oack', options: this.#options.terms.accepted }))
  }

  #timeOut(nowMs: number): void {
    this.#silentMs += this.#timeoutMs
    this.#tries++
    const isLast = this.#ring.total !== undefined && this.#sent === this.#ring.total && !this.#awaitsOptions
    if (isLast && this.#tries >= lastBlockTries) {
      this.#end({ kind: 'sent', bytes: this.#ring.bytesBelow(this.#sent), acknowledged: false })
      return
    }
    if (this.#silentMs >= this.#options.giveUpMs) {
      const reason = `no answer for ${Math.round(this.#silentMs / 1000)} s`
      this.#end({ kind: 'timed-out', bytes: this.#bytesDone(), reason })
      return
    }
    this.#retransmit(nowMs)
  }

  #retransmit(nowMs: number): void {
    if (this.#awaitsOptions) this.#sendOptions()
    this.#sent = this.#acknowledged
    this.#sendWindow()
    // Also where the client set the time: atftp 0.8 leaves repeated blocks unanswered, and each starts its own timer anew,
    // so at equal intervals it would never ask again. (Two acknowledgements of a block lost, test/interop/tftp.test.ts.)
    this.#timeoutMs = Math.min(this.#timeoutMs * 2, Math.max(longestTimeoutMs, 2 * this.#firstTimeoutMs))
    this.#dueMs = nowMs + this.#timeoutMs
  }

  #bytesDone(): number {
    return this.#ring.bytesBelow(this.#acknowledged)
  }

  #end(outcome: TransferOutcome): void {
    if (this.#ended) return
    this.#ended = true
    this.#options.onEnd(outcome)
  }
}
