import { Command } from 'commander'
import type { Machine } from '../core/machine.ts'
import { type Chosen, chooseMachines, whereOption } from './choose-machines.ts'
import { type Client, openClient } from './client.ts'
import { dataOption, socketPathOf } from './data-directory.ts'
import { forEachMachine } from './for-each-machine.ts'

export function cancelCommand(): Command {
  return new Command('cancel')
    .description('ends what machines were ordered to do, before it is done')
    .argument('[machines...]', 'names')
    .addOption(whereOption())
    .addOption(dataOption())
    .action(cancel)
}

async function cancel(names: string[], options: Chosen & { data: string }, command: Command): Promise<void> {
  const client = openClient({ socketPath: socketPathOf(options.data) })
  const machines = await chooseMachines(client, names, options, (reason) => command.error(reason))
  await forEachMachine(machines, (machine) => cancelOrder(client, machine))
}

async function cancelOrder(client: Client, name: string): Promise<string> {
  const { kind, deploymentId, errandId } = await intentOf(client, name)
  const path = deploymentId === undefined ? errandId && `errands/${errandId}` : `deployments/${deploymentId}`
  if (path === undefined) throw new Error(`there is no order under way; its next boot is ${kind}`)
  await client.request('POST', `/api/v1/${path}/cancel`)
  return `the order ${kind} is cancelled; its next boot is ${(await intentOf(client, name)).kind}`
}

async function intentOf(client: Client, name: string): Promise<Machine['intent']> {
  const path = `/api/v1/machines/${encodeURIComponent(name)}`
  return (await client.request<{ machine: Machine }>('GET', path)).machine.intent
}
