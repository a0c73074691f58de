import { writtenStates } from '../core/deployment.ts'
import { chooseDisk, type DiskRule } from '../core/disk-rule.ts'
import type { WipeWork } from '../core/errand.ts'
import type { Disk, Inventory } from '../core/inventory.ts'
import { listDeployments, updateDeployment } from '../store/deployment-rows.ts'
import { readInventory } from '../store/machine-rows.ts'
import { tellState } from './deployment-timeline.ts'
import type { Change } from './state-changes.ts'

/** From now on the machine's disk has no version: what was deployed to it is told as wiped. Harmless when it is said again. */
export async function forgetWiped(change: Change, machineId: string, { disks: wiped }: WipeWork): Promise<void> {
  const inventory = (await readInventory(change.db, machineId)) as Inventory | undefined
  for (const deployment of await listDeployments(change.db, machineId)) {
    const { id, state, diskRule } = deployment
    if (!writtenStates.includes(state) || isElsewhere(diskRule, wiped, inventory?.disks)) continue
    await updateDeployment(change.db, id, { state: 'wiped' })
    await tellState(change, deployment, 'wiped', 'the disk it was written to is wiped')
  }
}

/** Where it is not certain that the deployment is on another disk, its version is not counted on. */
function isElsewhere(deployed: DiskRule, wiped: WipeWork['disks'], disks: readonly Disk[] = []): boolean {
  if (wiped === 'all') return false
  const [one, other] = [chooseDisk(deployed, disks), chooseDisk(wiped, disks)]
  return one.kind === 'disk' && other.kind === 'disk' && one.disk.device !== other.disk.device
}
