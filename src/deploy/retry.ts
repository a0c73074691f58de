import { type Deployment, writtenStates } from '../core/deployment.ts'
import type { Machine } from '../core/machine.ts'
import { describeRetry, needsWhatWas, planRetry } from '../core/retry.ts'
import { listDeployments } from '../store/deployment-rows.ts'
import type { StateDatabase } from '../store/state-database.ts'
import { wasWipedSince } from './forget-wiped.ts'
import { choicesOf, type DeploymentRequest } from './new-deployment.ts'
import { Conflict } from './refusals.ts'

/** What is ordered, and how that goes on, in words. */
export type RetryChoice = { request: DeploymentRequest; detail: string }

/** The machine's last deployment once more, with the same choices. Throws Conflict, in words that say what to do instead. */
export async function chooseRetry(db: StateDatabase, { id, name }: Machine): Promise<RetryChoice> {
  const [last] = await listDeployments(db, id)
  if (last === undefined) throw new Conflict(`${name} was never deployed: there is nothing to retry`)
  return repeatDeployment(name, last, await wasWipedSince(db, last))
}

/** Throws Conflict. */
export function repeatDeployment(machine: string, last: Deployment, isWiped: boolean): RetryChoice {
  const { id, state, step = 'boot' } = last
  if (state !== 'failed' && state !== 'cancelled') throw new Conflict(whyNot(machine, last))
  if (isWiped && needsWhatWas(last)) {
    throw new Conflict(
      `The last deployment of ${machine} counts on what its disk had, and its disk was wiped since (${id}): deploy it with a layout that makes its partitions`,
    )
  }
  const retry = planRetry(last, isWiped)
  const ended = state === 'failed' ? `failed at ${step}` : `was cancelled at ${step}`
  return {
    request: { ...choicesOf(last), retry },
    detail: `a retry of ${id}, which ${ended}: ${describeRetry(last, retry, isWiped)}`,
  }
}

function whyNot(machine: string, { state }: Deployment): string {
  if (writtenStates.includes(state)) {
    return `The last deployment of ${machine} is ${state}, its disk was written: there is nothing to retry ('bootwright deploy ${machine} --redeploy' compares it with a version)`
  }
  if (state === 'wiped') {
    return `The disk of ${machine} was wiped: there is nothing to retry ('bootwright deploy ${machine}' writes it anew)`
  }
  const first = state === 'frozen' ? '; end it first' : ', nothing of it has failed'
  return `${machine} has a deployment that is ${state}${first} ('bootwright cancel ${machine}' ends it)`
}
