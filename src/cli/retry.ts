import { Command } from 'commander'
import type { Deployment } from '../core/deployment.ts'
import { type Chosen, chooseMachines, whereOption } from './choose-machines.ts'
import { openClient } from './client.ts'
import { dataOption, jsonOption, socketPathOf } from './data-directory.ts'
import { atOption, placeOrders } from './place-orders.ts'
import { followOption, tellDeployment } from './tell-deployment.ts'

export function retryCommand(): Command {
  return new Command('retry')
    .description('repeats the last deployment of machines, which failed or was cancelled, from where their disks are')
    .argument('[machines...]', 'names')
    .addOption(whereOption())
    .addOption(atOption())
    .addOption(followOption())
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(retry)
}

type RetryOptions = Chosen & { data: string; follow?: boolean; json?: boolean; at?: number }

async function retry(names: string[], options: RetryOptions, command: Command): Promise<void> {
  const client = openClient({ socketPath: socketPathOf(options.data) })
  const machines = await chooseMachines(client, names, options, (reason) => command.error(reason))
  const [machine = '', ...others] = machines
  if (others.length > 0 || options.at !== undefined) {
    if (options.follow) command.error('error: --follow is for one machine, and for now')
    return placeOrders(client, machines, { kind: 'retry' }, options)
  }
  const body = { machine }
  const { deployment } = await client.request<{ deployment: Deployment }>('POST', '/api/v1/deployments/retry', body)
  await tellDeployment(client, machine, deployment, options)
}
