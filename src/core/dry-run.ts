import { chooseDisk, type DiskRule, describeDisk } from './disk-rule.ts'
import { drawDisk, drawPlan } from './draw-disk.ts'
import type { Inventory } from './inventory.ts'
import type { Layout } from './layout.ts'
import { planDisk } from './plan-disk.ts'

/** What a deployment would do to a machine's disk, by its last inventory. Lines are for people. */
export type DryRun = {
  /** The chosen disk; absent when the rule chooses none. */
  disk?: string
  before: string[]
  /** Empty when it is refused. */
  after: string[]
  refusal?: string
}

/** Fresh GUIDs are not shown. */
const anyGuid = () => '00000000-0000-0000-0000-000000000000'

export function dryRun(inventory: Inventory, rule: DiskRule, layout: Layout): DryRun {
  const choice = chooseDisk(rule, inventory.disks)
  if (choice.kind === 'refused') return { before: [], after: [], refusal: choice.reason }
  const { disk } = choice
  const { firmware, architecture } = inventory
  const shown = { disk: describeDisk(disk), before: drawDisk(disk) }
  const planning = planDisk({ layout, disk, firmware, architecture }, anyGuid)
  if (planning.kind === 'refused') return { ...shown, after: [], refusal: planning.reason }
  return { ...shown, after: drawPlan(planning.plan, disk) }
}
