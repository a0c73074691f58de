import { chooseDisk, type DiskRule } from './disk-rule.ts'
import type { Inventory } from './inventory.ts'
import { partitionTypes } from './partition-types.ts'

const volumeId = /^[0-9A-F]{4}-[0-9A-F]{4}$/

/**
 * FAT volume id, as blkid writes it, of the ESP on the one disk that a rule means, by what the machine's agent saw last.
 * Undefined where the rule means no disk or several, or the disk has no ESP or several.
 */
export function findEsp({ disks }: Pick<Inventory, 'disks'>, rule: DiskRule): string | undefined {
  const choice = chooseDisk(rule, disks)
  if (choice.kind === 'refused') return undefined
  const esps = (choice.disk.table?.partitions ?? []).filter(({ type }) => type === partitionTypes.esp)
  const uuid = esps.length === 1 ? esps[0]!.signature?.uuid : undefined
  return uuid !== undefined && volumeId.test(uuid) ? uuid : undefined
}
