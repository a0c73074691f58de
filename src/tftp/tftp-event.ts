import { printable } from '../bytes/printable.ts'
import { redactUrl } from '../content/redact-url.ts'
import type { TransferOutcome } from './transfer.ts'

type Refusal = { kind: 'missing' | 'refused' | 'ignored'; reason: string }

/** What happened to one request; `path` and reasons are printable, and hold no boot token. */
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

/** Puts an event together: what came from the wire is made printable. */
export function tftpEvent(
  request: { remoteAddress: string; remotePort: number; path: string; startedAtMs: number },
  outcome: TransferOutcome | Refusal,
  nowMs: number,
): TftpEvent {
  const { startedAtMs, path, ...remote } = request
  const shown = 'reason' in outcome ? { ...outcome, reason: printable(outcome.reason) } : outcome
  return { ...remote, path: redactUrl(path), durationMs: nowMs - startedAtMs, ...shown }
}
