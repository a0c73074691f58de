import type { WipeMethod } from '../../core/errand.ts'
import type { AtaAbilities } from './parse-hdparm.ts'
import type { NvmeAbilities } from './parse-nvme.ts'
import { describeAttempt, type SanitizeAction, type WipeAttempt } from './wipe-attempt.ts'

/**
 * What a disk is to who erases it. `virtual`: another computer's storage, of which blocks can be given back. `plain`: nothing
 * but reading and writing is trusted (USB bridges, memory cards).
 */
export type DiskKind =
  | { kind: 'nvme'; abilities: NvmeAbilities }
  | { kind: 'ata'; abilities: AtaAbilities; hiddenSectors?: number }
  | { kind: 'scsi' }
  | { kind: 'virtual'; isScsi: boolean }
  | { kind: 'plain'; why: string }

export type WipeFacts = DiskKind & {
  rotational: boolean
  canDiscard: boolean
  /** Namespaces of the same controller that are not to be wiped: what erases the whole controller is not for this disk. */
  neighbours: readonly string[]
}

/** In order; each is tried when the one before it did not do it. `leftOut` says of what is not tried why. */
export type ChosenAttempts = { attempts: WipeAttempt[]; leftOut: string[] }

const sanitizeOrder: readonly SanitizeAction[] = ['block', 'crypto', 'overwrite']

/**
 * By what a disk says it can do. With `auto` the drive's own erase comes first, because it reaches what cannot be addressed;
 * overwriting comes last and is always there. A method that is asked for is the only one.
 */
export function chooseAttempts(facts: WipeFacts, method: WipeMethod): ChosenAttempts {
  const leftOut: string[] = []
  const own = ownMethods(facts, leftOut)
  const discard: WipeAttempt[] = facts.canDiscard ? [{ method: 'discard' }] : []
  if (!facts.canDiscard && (facts.kind === 'virtual' || method === 'discard'))
    leftOut.push('discard: the disk has none')
  if (method === 'auto') {
    // Of a drive that shows its own methods a discard proves less: it only says what is read back.
    const attempts = [...own.filter(isForAuto), ...(facts.kind === 'virtual' ? discard : []), overwriteOf(facts)]
    return { attempts, leftOut }
  }
  const all = [...own, ...discard, overwriteOf(facts)]
  return { attempts: all.filter((attempt) => attempt.method === method), leftOut }
}

/** Noise on flash, because some of it stores no zeros. */
function overwriteOf({ kind, rotational }: WipeFacts): WipeAttempt {
  return { method: 'overwrite', pattern: rotational || kind === 'virtual' ? 'zeros' : 'random' }
}

/** A format makes the disk anew; that the data are gone is only what follows from it. */
function isForAuto(attempt: WipeAttempt): boolean {
  return !(attempt.method === 'format' && attempt.by === 'scsi')
}

function ownMethods(facts: WipeFacts, leftOut: string[]): WipeAttempt[] {
  switch (facts.kind) {
    case 'nvme':
      return nvmeMethods(facts.abilities, facts.neighbours, leftOut)
    case 'ata':
      return ataMethods(facts, leftOut)
    case 'scsi':
      return scsiMethods(facts.rotational)
    case 'virtual':
      return facts.isScsi ? [{ method: 'format', by: 'scsi' }] : []
    case 'plain':
      leftOut.push(`the drive's own erase: ${facts.why}`)
      return []
  }
}

function nvmeMethods(abilities: NvmeAbilities, neighbours: readonly string[], leftOut: string[]): WipeAttempt[] {
  const shared =
    neighbours.length > 0 ? `it would erase ${neighbours.join(', ')} too, which ${are(neighbours)} to stay` : undefined
  const sanitize = sanitizeMethods('nvme', abilities.sanitize)
  const format: WipeAttempt[] = []
  if (abilities.format) {
    format.push({ method: 'format', by: 'nvme', secureErase: 'user-data' })
    if (abilities.formatCrypto) format.push({ method: 'format', by: 'nvme', secureErase: 'crypto' })
  }
  if (sanitize.length === 0) leftOut.push('NVMe sanitize: the controller has none (SANICAP)')
  if (format.length === 0) leftOut.push('NVMe format: the controller has none (OACS)')
  if (shared !== undefined) {
    leftOut.push(
      ...[...sanitize, ...(abilities.formatOfAll ? format : [])].map((one) => `${describeAttempt(one)}: ${shared}`),
    )
    return abilities.formatOfAll ? [] : format
  }
  return [...sanitize, ...format]
}

function are({ length }: readonly string[]): string {
  return length === 1 ? 'is' : 'are'
}

function ataMethods({ abilities }: WipeFacts & { kind: 'ata' }, leftOut: string[]): WipeAttempt[] {
  const { security } = abilities
  const sanitize = sanitizeMethods('ata', abilities.sanitize)
  if (sanitize.length === 0) leftOut.push('ATA sanitize: the drive has none')
  const why = whyNoSecureErase(security)
  if (why !== undefined) {
    leftOut.push(`ATA secure erase: ${why}`)
    return sanitize
  }
  const erase = (enhanced: boolean, minutes: number | undefined): WipeAttempt => ({
    ...{ method: 'secure-erase', enhanced },
    ...(minutes !== undefined && { minutes }),
  })
  return [
    ...sanitize,
    ...(security.enhanced ? [erase(true, security.enhancedMinutes)] : []),
    erase(false, security.eraseMinutes),
  ]
}

function whyNoSecureErase({ supported, enabled, frozen, expired }: AtaAbilities['security']): string | undefined {
  if (!supported) return 'the drive has none'
  if (enabled) return "the drive has a password that is not Bootwright's"
  if (frozen) {
    return 'the firmware has frozen the drive: suspend and resume the machine, or pull and plug the drive while it is on, and wipe again'
  }
  return expired ? 'too many passwords were tried: switch the machine off and on, and wipe again' : undefined
}

/** Which of these a drive can is only seen by trying. */
function scsiMethods(rotational: boolean): WipeAttempt[] {
  const actions: SanitizeAction[] = rotational ? ['crypto', 'overwrite'] : ['block', 'crypto']
  return [
    ...actions.map((action): WipeAttempt => ({ method: 'sanitize', by: 'scsi', action })),
    { method: 'format', by: 'scsi' },
  ]
}

function sanitizeMethods(by: 'nvme' | 'ata', can: Record<SanitizeAction, boolean>): WipeAttempt[] {
  return sanitizeOrder
    .filter((action) => can[action])
    .map((action): WipeAttempt => ({ method: 'sanitize', by, action }))
}

/** What of a disk a method does not reach, as far as is known: said with the record of what was done. */
export function notReached(attempt: WipeAttempt, facts: WipeFacts): string[] {
  const isOverwrite = attempt.method === 'overwrite' || attempt.method === 'discard'
  if (facts.kind === 'virtual') {
    return isOverwrite ? ['copies and snapshots that the storage behind this disk keeps'] : []
  }
  if (!isOverwrite) {
    return attempt.method === 'secure-erase' && !attempt.enhanced
      ? ['sectors that the drive replaced because they failed']
      : []
  }
  const hidden = facts.kind === 'ata' ? (facts.hiddenSectors ?? 0) : 0
  return [
    facts.rotational
      ? 'sectors that the drive replaced because they failed'
      : 'blocks that the drive keeps in reserve, and those it retired',
    ...(hidden > 0 ? [`${hidden} sectors hidden by a host protected area`] : []),
    ...(facts.kind === 'ata' ? ['what a device configuration overlay hides, which was not looked for'] : []),
  ]
}
