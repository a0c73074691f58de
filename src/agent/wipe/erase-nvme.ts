import { setTimeout as wait } from 'node:timers/promises'
import { oneLine } from '../../core/one-line.ts'
import { runProgram } from '../../programs/run-program.ts'
import { DeviceDidNotErase, type EraseContext } from './erase-context.ts'
import { parseSanitizeLog } from './parse-nvme.ts'
import type { SanitizeAction } from './wipe-attempt.ts'

const commandTimeoutMs = 60_000
const formatTimeoutMs = 6 * 3600_000
const pollEveryMs = 2000
/** A drive that says nothing new of a sanitize for so long has stopped. */
const stuckAfterMs = 6 * 3600_000

/** `--sanact` of nvme-cli. */
const actions: Record<SanitizeAction, string> = { block: '2', overwrite: '3', crypto: '4' }
const secureErase = { 'user-data': '1', crypto: '2' } as const

/** Throws ProgramFailed, DecodeError, DeviceDidNotErase. Gives the device's own answer. */
export async function sanitizeNvme(device: string, action: SanitizeAction, context: EraseContext): Promise<string> {
  const { signal, onShare } = context
  // One pass: a second would show nothing more.
  const passes = action === 'overwrite' ? ['--owpass=1', '--ovrpat=0'] : []
  await nvme(['sanitize', device, `--sanact=${actions[action]}`, ...passes], commandTimeoutMs, signal)
  let newsAt = performance.now()
  let last = ''
  for (;;) {
    const log = parseSanitizeLog(await nvme(['sanitize-log', device], commandTimeoutMs, signal))
    if (log.state === 'done') return log.status
    if (log.state !== 'running') throw new DeviceDidNotErase(`the drive says ${log.state}: ${log.status}`)
    if (log.status !== last) newsAt = performance.now()
    last = log.status
    if (performance.now() - newsAt > stuckAfterMs) throw new DeviceDidNotErase(`nothing new for 6 hours: ${log.status}`)
    onShare(log.progress)
    await wait(pollEveryMs, undefined, { signal })
  }
}

/** Without a secure erase setting a format erases nothing: it is always given. Throws ProgramFailed. */
export async function formatNvme(
  device: string,
  erase: keyof typeof secureErase,
  { signal }: EraseContext,
): Promise<string> {
  const args = ['format', device, `--ses=${secureErase[erase]}`, '--force', `--timeout=${formatTimeoutMs}`]
  return oneLine(await nvme(args, formatTimeoutMs, signal))
}

function nvme(args: readonly string[], timeoutMs: number, signal: AbortSignal): Promise<string> {
  return runProgram('nvme', args, { timeoutMs, signal })
}
