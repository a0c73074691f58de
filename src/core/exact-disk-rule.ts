import { chooseDisk, type DiskRule } from './disk-rule.ts'
import type { Disk } from './inventory.ts'

/** A rule that means this disk alone of the machine's; undefined where nothing tells it from another, or nothing can be written to it. */
export function exactDiskRule(disk: Disk, disks: readonly Disk[]): DiskRule | undefined {
  const { serial, wwn, model, special, removable, sizeBytes } = disk
  const asked: DiskRule = { ...(special && { special }), ...(removable && { removable }) }
  const candidates: DiskRule[] = [
    ...(serial ? [{ serial }] : []),
    ...(wwn ? [{ wwn }] : []),
    ...(serial && model ? [{ serial, model }] : []),
    { ...(model && { model }), minBytes: sizeBytes, maxBytes: sizeBytes },
  ]
  return candidates
    .map((candidate) => ({ ...candidate, ...asked }))
    .find((rule) => {
      const choice = chooseDisk(rule, disks)
      return choice.kind === 'disk' && choice.disk.device === disk.device
    })
}
