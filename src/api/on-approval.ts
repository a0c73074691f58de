import type { Machine } from '../core/machine.ts'
import { listGroups } from '../deploy/group-defaults.ts'
import { type OrderParts, placeDeployment } from './place-order.ts'
import { problemOf } from './problem.ts'

/**
 * What the machine's group has ordered for those that are approved: for one that was never deployed, and has nothing ordered.
 * What goes wrong is told in its timeline; the machine is approved all the same.
 */
export async function orderOnApproval(
  parts: Pick<OrderParts, 'state' | 'deployments' | 'images'>,
  machine: Machine,
): Promise<void> {
  const { state, deployments } = parts
  const wish = (await listGroups(state)).find(({ name }) => name === machine.group)?.onApproval
  const isBusy = machine.intent.errandId !== undefined || machine.intent.deploymentId !== undefined
  if (!wish || isBusy || (await deployments.list(machine.id)).length > 0) return
  try {
    await placeDeployment(parts, machine, wish)
  } catch (error) {
    const { detail } = problemOf(error as Error)
    const message = `its group "${machine.group}" has ${wish.image} deployed on approval, which was not possible: ${detail}`
    await state.commit((change) => change.tell({ machineId: machine.id, kind: 'deployment', message }))
  }
}
