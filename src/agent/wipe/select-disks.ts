import { chooseDisk, describeDisk } from '../../core/disk-rule.ts'
import type { WipeWork } from '../../core/errand.ts'
import type { Disk } from '../../core/inventory.ts'

/** No disk, or not what was meant. */
export class DisksRefused extends Error {
  override readonly name = 'DisksRefused'
}

/** `leftOut`: what `all` does not mean, each in words. */
export type SelectedDisks = { disks: Disk[]; leftOut: string[] }

/** The disks that are meant. Throws DisksRefused: what is asked for and cannot be wiped is never passed over. */
export function selectDisks(wanted: WipeWork['disks'], disks: readonly Disk[]): SelectedDisks {
  if (wanted !== 'all') {
    const choice = chooseDisk(wanted, disks)
    if (choice.kind === 'refused') throw new DisksRefused(choice.reason)
    return { disks: [choice.disk], leftOut: [] }
  }
  const fixed = disks.filter(isFixed)
  const readOnly = fixed.filter(({ readOnly }) => readOnly)
  if (readOnly.length > 0) {
    throw new DisksRefused(`Cannot wipe all disks: ${readOnly.map(describeDisk).join('; ')} cannot be written`)
  }
  if (fixed.length === 0) {
    throw new DisksRefused('There is no fixed disk, or no driver for one: nothing was wiped')
  }
  return { disks: fixed, leftOut: disks.filter((disk) => !isFixed(disk)).map(describeDisk) }
}

/** What is plugged in for a while, shared storage, a BMC's media and an eMMC's boot areas are wiped by a rule that names them. */
export function isFixed({ removable, special }: Disk): boolean {
  return !removable && special === undefined
}
