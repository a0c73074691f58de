import { Option } from 'commander'
import type { Deployment } from '../core/deployment.ts'
import type { Client } from './client.ts'
import { followDeployment } from './follow-work.ts'
import { printJson } from './output.ts'

export function followOption(): Option {
  return new Option(
    '--follow',
    'show what happens until it has ended; exit 0 only when the deployed system called back',
  )
}

/** Says that a deployment is queued, or shows it to its end; the exit code is 1 then when it was not proved. */
export async function tellDeployment(
  client: Client,
  machine: string,
  deployment: Deployment,
  options: { follow?: boolean; json?: boolean },
): Promise<void> {
  if (!options.follow) {
    if (options.json) printJson(deployment)
    else
      process.stdout.write(
        `deployment ${deployment.id} is queued: ${deployment.retry ? `where the agent waits it begins now, else restart` : 'restart'} ${machine} so that it boots from the network\n`,
      )
    return
  }
  const ended = await followDeployment(client, machine, deployment.id)
  if (options.json) printJson(ended)
  else process.stdout.write(`${machine}: ${describeEnd(ended).join('\n  ')}\n`)
  // A failed first-boot hook leaves a machine that runs, and work that was not done.
  if (ended.state !== 'proved' || ended.steps.some(({ state }) => state === 'failed')) process.exitCode = 1
}

function describeEnd(deployment: Deployment): string[] {
  const { state, failure, step, steps } = deployment
  const handOver = describeHandOver(deployment)
  return [
    `${state}${failure ? `, failed at ${step}: ${failure}` : ''}`,
    ...(handOver === undefined ? [] : [`hand-over by ${handOver}`]),
    ...steps.flatMap((record) => (record.notice === undefined ? [] : [`${record.step}: ${record.notice}`])),
  ]
}

/** `kexec, 21.3 s`: from the agent's leaving to the proof. Undefined before the machine was left. */
export function describeHandOver({ handedOverBy, handOverSeconds }: Deployment): string | undefined {
  if (handedOverBy === undefined) return undefined
  const by = handedOverBy === 'kexec-then-reboot' ? 'kexec, which did not come up, then the firmware' : handedOverBy
  return handOverSeconds === undefined ? by : `${by}, ${handOverSeconds.toFixed(1)} s`
}
