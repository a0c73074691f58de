import { oneLine } from '../../core/one-line.ts'
import { runProgram } from '../../programs/run-program.ts'
import type { EraseContext } from './erase-context.ts'
import type { SanitizeAction } from './wipe-attempt.ts'

/** Both wait for the drive by themselves; a large disk takes many hours. */
const eraseTimeoutMs = 48 * 3600_000

const options: Record<SanitizeAction, readonly string[]> = {
  block: ['--block'],
  crypto: ['--crypto'],
  overwrite: ['--overwrite', '--zero'],
}

/** Throws ProgramFailed. Gives what the program said of the drive. */
export async function sanitizeScsi(device: string, action: SanitizeAction, { signal }: EraseContext): Promise<string> {
  const args = [...options[action], '--quick', '--wait', `--timeout=${eraseTimeoutMs / 1000}`, device]
  return oneLine(await runProgram('sg_sanitize', args, { timeoutMs: eraseTimeoutMs, signal }))
}

/** Throws ProgramFailed. */
export async function formatScsi(device: string, { signal }: EraseContext): Promise<string> {
  const args = ['--format', '--quick', '--wait', `--timeout=${eraseTimeoutMs / 1000}`, device]
  return oneLine(await runProgram('sg_format', args, { timeoutMs: eraseTimeoutMs, signal }))
}
