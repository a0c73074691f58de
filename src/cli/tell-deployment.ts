import { Option } from 'commander'
import type { Deployment } from '../core/deployment.ts'
import type { Client } from './client.ts'
import { followDeployment } from './follow-deployment.ts'
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
        `deployment ${deployment.id} is queued: restart ${machine} so that it boots from the network\n`,
      )
    return
  }
  const ended = await followDeployment(client, machine, deployment.id)
  if (options.json) printJson(ended)
  else
    process.stdout.write(
      `${machine}: ${ended.state}${ended.failure ? `, failed at ${ended.step}: ${ended.failure}` : ''}\n`,
    )
  if (ended.state !== 'proved') process.exitCode = 1
}
