import type { Mac } from '../bytes/mac.ts'
import type { Machine } from '../core/machine.ts'
import { findMachineByMac, insertMachine, updateMachine } from '../store/machine-rows.ts'
import type { StateDatabase } from '../store/state-database.ts'
import type { Change } from './state-changes.ts'

const lastSeenResolutionMs = 10_000
/** Rows made for machines nobody named; a flood of invented MAC addresses stops here. */
const maximumUnapprovedMachines = 4096

/** A packet of this MAC was seen; unknown machines are recorded, up to a limit. */
export async function noticeMachine(change: Change, mac: Mac, because: string): Promise<Machine | undefined> {
  const { db, now } = change
  const known = await findMachineByMac(db, mac)
  if (known && isFresh(known, now)) return known
  if (known) return updateMachine(db, known.id, { lastSeenAt: now })
  if (await tooManyUnapproved(db)) return undefined
  const created = await insertMachine(
    db,
    {
      name: `m-${mac.replaceAll(':', '')}`,
      macs: [mac],
      approved: false,
      intent: { kind: 'discover', revision: 0 },
      lastSeenAt: now,
    },
    now,
  )
  change.machineChanged(created)
  await change.tell({ machineId: created.id, kind: 'machine', message: `new machine ${mac}: ${because}` })
  return created
}

/** When it was seen is not written anew for each packet. */
export function isFresh({ lastSeenAt = 0 }: Machine, now: number): boolean {
  return now - lastSeenAt < lastSeenResolutionMs
}

async function tooManyUnapproved(db: StateDatabase): Promise<boolean> {
  const { count } = await db
    .selectFrom('machines')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('approved', '=', 0)
    .executeTakeFirstOrThrow()
  return Number(count) >= maximumUnapprovedMachines
}
