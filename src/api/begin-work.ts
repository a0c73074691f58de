import type { BootScript } from '../boot/boot-script.ts'
import { nonceOfBootToken } from '../boot/boot-token.ts'
import type { Machine } from '../core/machine.ts'
import type { BootPlane } from './boot-plane.ts'

/**
 * The machine boots for its order. One that keeps failing is not started into the same failure; who asks again is sent where
 * it goes from now on.
 */
export async function beginWork(
  { deployments, errands }: BootPlane,
  machine: Machine,
  script: BootScript,
  token: string | undefined,
): Promise<BootScript> {
  const { kind, deploymentId, errandId } = machine.intent
  const isForOrder =
    script.kind === 'agent' ? script.token !== undefined : script.kind === 'kernel' && kind === 'kernel'
  if (!isForOrder || token === undefined) return script
  if (deploymentId !== undefined) {
    if ((await deployments.booting(deploymentId, nonceOfBootToken(token))) === 'booting') return script
    return failed(machine, 'its deployment', await deployments.get(deploymentId))
  }
  if (errandId === undefined || (await errands.booting(errandId, nonceOfBootToken(token))) === 'booting') return script
  return failed(machine, `its order ${kind}`, await errands.get(errandId))
}

function failed({ name }: Machine, what: string, { step, failure }: { step?: string; failure?: string }): BootScript {
  return { kind: 'refused', title: name, reason: `${what} failed at ${step}: ${failure}` }
}

const donePlace = /\{\{done\}\}/

/** A kernel that does not say when it is done has had its turn when the machine has its script. */
export async function endTurn({ errands }: BootPlane, { intent }: Machine, script: BootScript): Promise<void> {
  if (script.kind !== 'kernel' || intent.kind !== 'kernel' || intent.errandId === undefined) return
  const { id, work } = await errands.get(intent.errandId)
  if (work.kind !== 'kernel' || work.boot.arguments?.some((argument) => donePlace.test(argument))) return
  await errands.done(id, 'the machine has its kernel')
}
