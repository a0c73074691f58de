import { type Deployment, writtenStates } from '../core/deployment.ts'
import { chooseDisk, type DiskRule } from '../core/disk-rule.ts'
import { type Errand, hasErrandBegun, type WipeWork } from '../core/errand.ts'
import type { Disk, Inventory } from '../core/inventory.ts'
import { listDeployments, updateDeployment } from '../store/deployment-rows.ts'
import { listErrands } from '../store/errand-rows.ts'
import { readInventory } from '../store/machine-rows.ts'
import type { StateDatabase } from '../store/state-database.ts'
import { tellState } from './deployment-timeline.ts'
import type { Change } from './state-changes.ts'

/** From now on the machine's disk has no version: what was deployed to it is told as wiped. Harmless when it is said again. */
export async function forgetWiped(change: Change, machineId: string, { disks: wiped }: WipeWork): Promise<void> {
  const disks = await disksOf(change.db, machineId)
  for (const deployment of await listDeployments(change.db, machineId)) {
    const { id, state, diskRule } = deployment
    if (!writtenStates.includes(state) || isElsewhere(diskRule, wiped, disks)) continue
    await updateDeployment(change.db, id, { state: 'wiped' })
    await tellState(change, deployment, 'wiped', 'the disk it was written to is wiped')
  }
}

/** Whether nothing of what the deployment, or an attempt before it, left on its disk can be counted on. */
export async function wasWipedSince(
  db: StateDatabase,
  { machineId, createdAt, diskRule }: Deployment,
): Promise<boolean> {
  const wipes = (await listErrands(db, machineId)).filter((errand) => errand.createdAt >= createdAt && hasWiped(errand))
  if (wipes.length === 0) return false
  const disks = await disksOf(db, machineId)
  return wipes.some(({ work }) => work.kind === 'wipe' && !isElsewhere(diskRule, work.disks, disks))
}

/** Canaries are written over what is there. */
function hasWiped(errand: Errand): boolean {
  return errand.work.kind === 'wipe' && (errand.state === 'done' || hasErrandBegun(errand, 'plant-canaries'))
}

async function disksOf(db: StateDatabase, machineId: string): Promise<readonly Disk[] | undefined> {
  return ((await readInventory(db, machineId)) as Inventory | undefined)?.disks
}

/** Where it is not certain that the deployment is on another disk, its version is not counted on. */
function isElsewhere(deployed: DiskRule, wiped: WipeWork['disks'], disks: readonly Disk[] = []): boolean {
  if (wiped === 'all') return false
  const [one, other] = [chooseDisk(deployed, disks), chooseDisk(wiped, disks)]
  return one.kind === 'disk' && other.kind === 'disk' && one.disk.device !== other.disk.device
}
