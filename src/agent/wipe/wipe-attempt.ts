export type SanitizeAction = 'block' | 'crypto' | 'overwrite'

/** One thing that can be done to a disk so that what was on it is gone. */
export type WipeAttempt =
  | { method: 'sanitize'; by: 'nvme' | 'ata' | 'scsi'; action: SanitizeAction }
  | { method: 'format'; by: 'nvme'; secureErase: 'user-data' | 'crypto' }
  | { method: 'format'; by: 'scsi' }
  | { method: 'secure-erase'; enhanced: boolean; minutes?: number }
  | { method: 'discard' }
  | { method: 'overwrite'; pattern: 'zeros' | 'random' }

const busNames = { nvme: 'NVMe', ata: 'ATA', scsi: 'SCSI' } as const
const actionNames: Record<SanitizeAction, string> = {
  block: 'block erase',
  crypto: 'cryptographic erase',
  overwrite: "the drive's own overwrite",
}

export function describeAttempt(attempt: WipeAttempt): string {
  switch (attempt.method) {
    case 'sanitize':
      return `${busNames[attempt.by]} sanitize, ${actionNames[attempt.action]}`
    case 'format':
      if (attempt.by === 'scsi') return 'SCSI format unit'
      return `NVMe format, ${attempt.secureErase === 'crypto' ? 'cryptographic erase' : 'user data erase'}`
    case 'secure-erase':
      return `ATA ${attempt.enhanced ? 'enhanced secure erase' : 'secure erase'}`
    case 'discard':
      return 'discard'
    case 'overwrite':
      return `overwriting with ${attempt.pattern === 'zeros' ? 'zeros' : 'noise'}`
  }
}
