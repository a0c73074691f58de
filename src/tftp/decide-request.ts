import { ErrorCode, type ErrorPacket, type RequestPacket } from './packet.ts'

/** What a transfer agreed on with its client. */
export type TransferTerms = {
  blockBytes: number
  /** Blocks sent before an acknowledgement is awaited (RFC 7440); 1 where not agreed. */
  windowBlocks: number
  /** First retransmission time the client asked for (RFC 2349); absent where it did not. */
  timeoutMs?: number
  /** The options to confirm; no OACK is sent when there are none (RFC 2347 §3). */
  accepted: ReadonlyMap<string, string>
}

export type RequestDecision =
  | { kind: 'refuse'; error: ErrorPacket }
  | { kind: 'read'; path: string; mode: 'octet' | 'netascii' }

export type TermLimits = {
  /** Largest block that fits a datagram of the interface unfragmented: MTU − 20 (IPv4) − 8 (UDP) − 4 (TFTP). */
  maxBlockBytes: number
  maxWindowBlocks: number
}

/** RFC 1350 §3. */
const defaultBlockBytes = 512

/** Reading is all this server does. */
export function decideRequest(request: RequestPacket): RequestDecision {
  if (request.kind === 'wrq') return refuse('this server does not take files')
  if (request.mode !== 'octet' && request.mode !== 'netascii') return refuse('the mode is not octet or netascii')
  return { kind: 'read', path: request.filename, mode: request.mode }
}

/**
 * Accepts what the client may ask for and leaves out what it may not; an option that is not confirmed is not used.
 * `sizeBytes` is undefined where the size on the wire is not known beforehand (netascii).
 */
export function agreeTerms(
  options: ReadonlyMap<string, string>,
  sizeBytes: number | undefined,
  limits: TermLimits,
): TransferTerms {
  const blksize = wholeNumber(options.get('blksize'), 8, 65464) // RFC 2348
  const windowsize = wholeNumber(options.get('windowsize'), 1, 65535) // RFC 7440 §3
  const timeoutSeconds = wholeNumber(options.get('timeout'), 1, 255) // RFC 2349
  const tsize = options.get('tsize') === undefined ? undefined : sizeBytes // RFC 2349
  const blockBytes = blksize && Math.min(blksize, limits.maxBlockBytes)
  const windowBlocks = windowsize && Math.min(windowsize, limits.maxWindowBlocks)
  const accepted = new Map<string, string>()
  for (const [name, value] of Object.entries({
    blksize: blockBytes,
    tsize,
    timeout: timeoutSeconds,
    windowsize: windowBlocks,
  })) {
    if (value !== undefined) accepted.set(name, String(value))
  }
  return {
    blockBytes: blockBytes ?? defaultBlockBytes,
    windowBlocks: windowBlocks ?? 1,
    ...(timeoutSeconds === undefined ? {} : { timeoutMs: timeoutSeconds * 1000 }),
    accepted,
  }
}

function refuse(message: string): RequestDecision {
  return { kind: 'refuse', error: { kind: 'error', code: ErrorCode.illegalOperation, message } }
}

function wholeNumber(text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined
  const value = Number(text)
  return value >= least && value <= most ? value : undefined
}
