import { Command } from 'commander'
import type { Machine } from '../core/machine.ts'
import { openClient } from './client.ts'
import { dataOption, socketPathOf } from './data-directory.ts'

export function cancelCommand(): Command {
  return new Command('cancel')
    .description('ends what a machine was ordered to do, before it is done')
    .argument('<machine>')
    .addOption(dataOption())
    .action(cancel)
}

async function cancel(name: string, options: { data: string }): Promise<void> {
  const client = openClient({ socketPath: socketPathOf(options.data) })
  const { machine } = await client.request<{ machine: Machine }>('GET', `/api/v1/machines/${encodeURIComponent(name)}`)
  const { kind, deploymentId, errandId } = machine.intent
  const path = deploymentId === undefined ? errandId && `errands/${errandId}` : `deployments/${deploymentId}`
  if (path === undefined) throw new Error(`${name} has no order under way; its next boot is ${kind}`)
  await client.request('POST', `/api/v1/${path}/cancel`)
  const after = await client.request<{ machine: Machine }>('GET', `/api/v1/machines/${encodeURIComponent(name)}`)
  process.stdout.write(`${name}: the order ${kind} is cancelled; its next boot is ${after.machine.intent.kind}\n`)
}
