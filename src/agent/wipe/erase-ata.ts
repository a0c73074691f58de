import { setTimeout as wait } from 'node:timers/promises'
import { oneLine } from '../../core/one-line.ts'
import { runProgram } from '../../programs/run-program.ts'
import { DeviceDidNotErase, type EraseContext } from './erase-context.ts'
import { type AtaSecurity, parseIdentity, parseSanitizeStatus } from './parse-hdparm.ts'
import type { SanitizeAction } from './wipe-attempt.ts'

/**
 * Known to everybody, and the same for all: it protects nothing, and a drive that lost power in the middle of a secure erase is
 * locked with it.
 */
export const erasePassword = 'bootwright'

const commandTimeoutMs = 60_000
/** hdparm waits as long as the drive says, up to twelve hours; it is not ended before. */
const eraseTimeoutMs = 13 * 3600_000
const pollEveryMs = 2000

const sanitizeOptions: Record<SanitizeAction, readonly string[]> = {
  block: ['--sanitize-block-erase'],
  crypto: ['--sanitize-crypto-scramble'],
  overwrite: ['--sanitize-overwrite-passes', '1', '--sanitize-overwrite', 'hex:00000000'],
}

/** Throws ProgramFailed, DecodeError, DeviceDidNotErase. Gives the drive's own answer. */
export async function sanitizeAta(device: string, action: SanitizeAction, context: EraseContext): Promise<string> {
  const { signal, onShare } = context
  await hdparm(['--yes-i-know-what-i-am-doing', ...sanitizeOptions[action], device], commandTimeoutMs, signal)
  for (;;) {
    const status = parseSanitizeStatus(await hdparm(['--sanitize-status', device], commandTimeoutMs, signal))
    if (status.state === 'idle' && status.isCompleted) return status.status
    if (status.state !== 'running') throw new DeviceDidNotErase(`the drive says ${status.status}`)
    onShare(status.progress)
    await wait(pollEveryMs, undefined, { signal })
  }
}

/**
 * Sets the password that the command needs, erases, and sees to it that no password is left. A drive that stays locked is told of,
 * with what unlocks it. Throws ProgramFailed, DeviceDidNotErase.
 */
export async function secureErase(device: string, isEnhanced: boolean, { signal }: EraseContext): Promise<string> {
  await unlock(device)
  const erase = isEnhanced ? '--security-erase-enhanced' : '--security-erase'
  let said: string
  try {
    await hdparm(withPassword('--security-set-pass', device), commandTimeoutMs, signal)
    // Not by the signal: who ends hdparm does not end the drive, and leaves it locked.
    said = await hdparm(withPassword(erase, device), eraseTimeoutMs)
  } catch (error) {
    throw new DeviceDidNotErase(`${(error as Error).message}${await removePassword(device)}`, { cause: error })
  }
  const left = await removePassword(device)
  if (left !== '') throw new DeviceDidNotErase(`the drive said it is erased${left}`)
  return oneLine(said)
}

/** A secure erase that was cut off leaves the drive locked; one that somebody else has locked is not ours to erase. */
export async function unlock(device: string): Promise<void> {
  const { enabled, locked } = await securityOf(device)
  if (!enabled) return
  try {
    if (locked) await hdparm(withPassword('--security-unlock', device), commandTimeoutMs)
    await hdparm(withPassword('--security-disable', device), commandTimeoutMs)
  } catch (cause) {
    throw new DeviceDidNotErase(
      `${device} has a password that is not Bootwright's: unlock it (hdparm --security-disable PASSWORD ${device}) and wipe again`,
      { cause },
    )
  }
}

/** Nothing where there is none any more, otherwise what to tell of it. */
async function removePassword(device: string): Promise<string> {
  try {
    const before = await securityOf(device)
    if (!before.enabled) return ''
    if (before.locked) await hdparm(withPassword('--security-unlock', device), commandTimeoutMs)
    await hdparm(withPassword('--security-disable', device), commandTimeoutMs)
    const after = await securityOf(device)
    return after.enabled ? leftLocked(device, 'it kept the password') : ''
  } catch (error) {
    return leftLocked(device, (error as Error).message)
  }
}

function leftLocked(device: string, why: string): string {
  return (
    `; THE DRIVE IS LEFT WITH A PASSWORD (user password "${erasePassword}"): ${oneLine(why, 300)}. Switch the machine off and on, ` +
    `then: hdparm --user-master u --security-disable ${erasePassword} ${device}`
  )
}

async function securityOf(device: string): Promise<AtaSecurity> {
  return parseIdentity(await hdparm(['-I', device], commandTimeoutMs)).security
}

function withPassword(option: string, device: string): string[] {
  return ['--user-master', 'u', option, erasePassword, device]
}

function hdparm(args: readonly string[], timeoutMs: number, signal?: AbortSignal): Promise<string> {
  return runProgram('hdparm', args, { timeoutMs, signal })
}
