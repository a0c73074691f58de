import { DecodeError } from '../../bytes/decode-error.ts'

/** How a controller can erase (NVM Express Base Specification, Identify Controller). */
export type NvmeAbilities = {
  /** SANICAP bits 0 to 2. */
  sanitize: { crypto: boolean; block: boolean; overwrite: boolean }
  /** OACS bit 1. */
  format: boolean
  /** FNA bit 2: the secure erase of a format can be cryptographic. */
  formatCrypto: boolean
  /** FNA bits 0 and 1: a format, or its secure erase, is of all namespaces. */
  formatOfAll: boolean
}

/** What `nvme id-ctrl --output-format=json` prints. Throws DecodeError. */
export function parseIdController(text: string): NvmeAbilities {
  const [sanicap, oacs, fna] = ['sanicap', 'oacs', 'fna'].map((name) => numberOf(text, name)) as [
    number,
    number,
    number,
  ]
  return {
    sanitize: { crypto: (sanicap & 1) !== 0, block: (sanicap & 2) !== 0, overwrite: (sanicap & 4) !== 0 },
    format: (oacs & 2) !== 0,
    formatCrypto: (fna & 4) !== 0,
    formatOfAll: (fna & 3) !== 0,
  }
}

function numberOf(text: string, name: string): number {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (cause) {
    throw new DecodeError('nvme id-ctrl', `it is no JSON: ${(cause as Error).message}`)
  }
  const value = (parsed as Record<string, unknown> | null)?.[name]
  if (typeof value !== 'number' || !Number.isInteger(value))
    throw new DecodeError('nvme id-ctrl', `${name} is no number`)
  return value
}

/** What became of the last sanitize (Sanitize Status log page, SSTAT bits 2:0). */
export type SanitizeLog = {
  state: 'never' | 'done' | 'running' | 'failed' | 'unknown'
  /** 0 to 1. */
  progress: number
  /** The status as the device says it. */
  status: string
}

const sanitizeStates = ['never', 'done', 'running', 'failed', 'done'] as const
const wholeProgress = 0xffff

/** What `nvme sanitize-log` prints. Throws DecodeError. */
export function parseSanitizeLog(text: string): SanitizeLog {
  const progress = /\(SPROG\)\s*:\s*(\d+)/.exec(text)?.[1]
  const status = /\(SSTAT\)\s*:\s*(0x[0-9a-f]+|\d+)/i.exec(text)?.[1]
  if (progress === undefined || status === undefined) {
    throw new DecodeError('nvme sanitize-log', 'it has no SPROG and SSTAT')
  }
  return {
    state: sanitizeStates[Number(status) & 7] ?? 'unknown',
    progress: Math.min(1, Number(progress) / wholeProgress),
    status: `SSTAT ${status}, SPROG ${progress}`,
  }
}
