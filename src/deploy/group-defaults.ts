import type { GroupDefaults } from '../core/group-defaults.ts'
import { deleteGroupDefaults, listGroupDefaults, putGroupDefaults } from '../store/group-rows.ts'
import { NotFound } from './refusals.ts'
import type { StateChanges } from './state-changes.ts'

export function listGroups(state: StateChanges): Promise<GroupDefaults[]> {
  return listGroupDefaults(state.db)
}

export async function putGroup(state: StateChanges, defaults: GroupDefaults): Promise<void> {
  await state.commit(async (change) => {
    await putGroupDefaults(change.db, defaults)
    const message = `a machine of the group "${defaults.name}" is deployed with ${defaults.onApproval.image} when it is approved`
    await change.tell({ kind: 'machine', message })
  })
}

/** Throws NotFound. */
export async function removeGroup(state: StateChanges, name: string): Promise<void> {
  await state.commit(async (change) => {
    const was = await deleteGroupDefaults(change.db, name)
    if (!was) throw new NotFound(`Nothing is ordered for new machines of the group "${name}"`)
    await change.tell({
      kind: 'machine',
      message: `nothing is ordered any more for new machines of the group "${name}"`,
    })
  })
}
