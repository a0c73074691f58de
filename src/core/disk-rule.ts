import { type Static, Type } from 'typebox'
import { type Disk, DiskSpecial } from './inventory.ts'

/** Which disk to write: every condition given must hold, and exactly one disk must satisfy them. */
export const DiskRule = Type.Object(
  {
    serial: Type.Optional(Type.String({ minLength: 1 })),
    wwn: Type.Optional(Type.String({ minLength: 1 })),
    model: Type.Optional(Type.String({ minLength: 1, description: 'Equal to the model, spaces at the ends ignored' })),
    bus: Type.Optional(
      Type.Union([
        Type.Literal('nvme'),
        Type.Literal('sata'),
        Type.Literal('sas'),
        Type.Literal('scsi'),
        Type.Literal('usb'),
        Type.Literal('virtio'),
        Type.Literal('mmc'),
        Type.Literal('fc'),
        Type.Literal('iscsi'),
      ]),
    ),
    minBytes: Type.Optional(Type.Integer({ minimum: 0 })),
    maxBytes: Type.Optional(Type.Integer({ minimum: 0 })),
    special: Type.Optional(DiskSpecial),
    removable: Type.Optional(Type.Boolean({ description: 'False where not given' })),
  },
  { additionalProperties: false },
)
export type DiskRule = Static<typeof DiskRule>

export type DiskChoice = { kind: 'disk'; disk: Disk } | { kind: 'refused'; reason: string }

/** Chooses by facts that do not move between boots; never by kernel name or order. */
export function chooseDisk(rule: DiskRule, disks: readonly Disk[]): DiskChoice {
  const matching = disks.filter((disk) => satisfies(rule, disk))
  if (matching.length === 1) return { kind: 'disk', disk: matching[0]! }
  const saw = disks.length === 0 ? 'no disks' : disks.map(describeDisk).join('; ')
  const count = matching.length === 0 ? 'no disk matches' : `${matching.length} disks match`
  return { kind: 'refused', reason: `${count} the rule ${describeRule(rule)}; the machine has ${saw}` }
}

export function describeRule(rule: DiskRule): string {
  const conditions = Object.entries(rule).map(([name, value]) => `${name}=${value}`)
  return conditions.length === 0 ? '(any one fixed disk)' : `(${conditions.join(', ')})`
}

export function describeDisk(disk: Disk): string {
  const facts = [
    disk.bus,
    disk.model && `model "${disk.model}"`,
    disk.serial && `serial ${disk.serial}`,
    disk.wwn && `wwn ${disk.wwn}`,
    `${(disk.sizeBytes / 1e9).toFixed(1)} GB`,
    disk.removable && 'removable',
    disk.readOnly && 'read-only',
    disk.special && `left out unless the rule says special=${disk.special}`,
    disk.paths && `one disk by ${disk.paths.length} paths: ${disk.paths.join(' ')}`,
  ]
  return `${disk.device} [${facts.filter(Boolean).join(', ')}]`
}

function satisfies(rule: DiskRule, disk: Disk): boolean {
  return (
    !disk.readOnly &&
    disk.special === rule.special &&
    // BMCs show their media as removable disks: who asks for them means them so.
    (disk.removable === (rule.removable ?? false) || disk.special === 'virtual-media') &&
    (rule.serial === undefined || disk.serial === rule.serial) &&
    (rule.wwn === undefined || disk.wwn === rule.wwn) &&
    (rule.model === undefined || disk.model?.trim() === rule.model.trim()) &&
    (rule.bus === undefined || disk.bus === rule.bus) &&
    (rule.minBytes === undefined || disk.sizeBytes >= rule.minBytes) &&
    (rule.maxBytes === undefined || disk.sizeBytes <= rule.maxBytes)
  )
}
