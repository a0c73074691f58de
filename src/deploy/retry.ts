import { type Deployment, writtenStates } from '../core/deployment.ts'
import { describeRetry, planRetry } from '../core/retry.ts'
import { choicesOf, type DeploymentRequest } from './new-deployment.ts'
import { Conflict } from './refusals.ts'

/** What is ordered, and how that goes on, in words. */
export type RetryChoice = { request: DeploymentRequest; detail: string }

/** The machine's last deployment once more, with the same choices. Throws Conflict, in words that say what to do instead. */
export function chooseRetry(machine: string, [last]: readonly Deployment[]): RetryChoice {
  if (last === undefined) throw new Conflict(`${machine} was never deployed: there is nothing to retry`)
  const { id, state, step = 'boot' } = last
  if (state !== 'failed' && state !== 'cancelled') throw new Conflict(whyNot(machine, last))
  const retry = planRetry(last)
  const ended = state === 'failed' ? `failed at ${step}` : `was cancelled at ${step}`
  return {
    request: { ...choicesOf(last), retry },
    detail: `a retry of ${id}, which ${ended}: ${describeRetry(last, retry)}`,
  }
}

function whyNot(machine: string, { state }: Deployment): string {
  if (writtenStates.includes(state)) {
    return `The last deployment of ${machine} is ${state}, its disk was written: there is nothing to retry ('bootwright deploy ${machine} --redeploy' compares it with a version)`
  }
  const first = state === 'frozen' ? '; end it first' : ', nothing of it has failed'
  return `${machine} has a deployment that is ${state}${first} ('bootwright cancel ${machine}' ends it)`
}
