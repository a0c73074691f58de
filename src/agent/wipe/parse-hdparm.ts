import { DecodeError } from '../../bytes/decode-error.ts'

/** The security feature set of an ATA drive (ACS-4 §4.19). */
export type AtaSecurity = {
  supported: boolean
  /** A user password is set. */
  enabled: boolean
  locked: boolean
  frozen: boolean
  /** Too many wrong passwords: until the power was off. */
  expired: boolean
  enhanced: boolean
  eraseMinutes?: number
  enhancedMinutes?: number
}

export type AtaAbilities = {
  security: AtaSecurity
  sanitize: { crypto: boolean; block: boolean; overwrite: boolean }
}

/** What `hdparm -I` prints. A drive without the feature set has no section of it. Throws DecodeError for no ATA drive. */
export function parseIdentity(text: string): AtaAbilities {
  if (!/\bATA device\b|\bCompactFlash ATA\b/.test(text)) throw new DecodeError('hdparm -I', 'it tells of no ATA device')
  const section = /^Security:[^\n]*\n((?:[ \t]+[^\n]*(?:\n|$))*)/m.exec(text)?.[1] ?? ''
  /** Each line is `not` or nothing, and a word. */
  const has = (word: string) => new RegExp(`^[ \\t]*${word}(?![\\w:])`, 'm').test(section)
  const minutes = (what: string) => new RegExp(`(\\d+)min for ${what}SECURITY ERASE UNIT`).exec(section)?.[1]
  const erase = minutes('')
  const enhanced = minutes('ENHANCED ')
  const command = (name: string) => new RegExp(`^\\s+\\*\\s+${name}`, 'm').test(text)
  const canSanitize = command('SANITIZE feature set')
  return {
    security: {
      supported: has('supported'),
      enabled: has('enabled'),
      locked: has('locked'),
      frozen: has('frozen'),
      expired: has('expired'),
      enhanced: /^[ \t]*supported: enhanced erase/m.test(section),
      ...(erase !== undefined && { eraseMinutes: Number(erase) }),
      ...(enhanced !== undefined && { enhancedMinutes: Number(enhanced) }),
    },
    sanitize: {
      crypto: canSanitize && command('CRYPTO_SCRAMBLE_EXT'),
      block: canSanitize && command('BLOCK_ERASE_EXT'),
      overwrite: canSanitize && command('OVERWRITE_EXT'),
    },
  }
}

export type AtaSanitizeStatus = {
  state: 'idle' | 'frozen' | 'running' | 'failed'
  /** The last one ended without an error; said by an idle drive. */
  isCompleted: boolean
  /** 0 to 1. */
  progress: number
  status: string
}

const ataSanitizeStates = ['idle', 'frozen', 'running', 'failed', 'idle'] as const

/** What `hdparm --sanitize-status` prints. Throws DecodeError. */
export function parseSanitizeStatus(text: string): AtaSanitizeStatus {
  const state = /State:\s*(SD([0-4])[^\n]*)/.exec(text)
  if (state === null) throw new DecodeError('hdparm --sanitize-status', 'it tells no state')
  const progress = /Progress:\s*0x([0-9a-f]+)/i.exec(text)?.[1]
  const completed = /Last Sanitize Operation Completed Without Error/.exec(text)?.[0]
  return {
    state: ataSanitizeStates[Number(state[2])]!,
    isCompleted: completed !== undefined,
    progress: progress === undefined ? 0 : Math.min(1, Number.parseInt(progress, 16) / 0xffff),
    status: [state[1]!.trim(), completed].filter(Boolean).join(', '),
  }
}

/** Sectors that a host protected area hides, by `hdparm -N`; undefined where it does not say. */
export function parseHiddenSectors(text: string): number | undefined {
  const match = /max sectors\s*=\s*(\d+)\/(\d+)/.exec(text)
  return match === null ? undefined : Math.max(0, Number(match[2]) - Number(match[1]))
}
