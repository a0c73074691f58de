import { Command } from 'commander'
import type { Machine } from '../core/machine.ts'
import { openClient } from './client.ts'
import { dataOption, socketPathOf } from './data-directory.ts'

export function cancelCommand(): Command {
  return new Command('cancel')
    .description("ends a machine's deployment before its disk is complete")
    .argument('<machine>')
    .addOption(dataOption())
    .action(cancel)
}

async function cancel(name: string, options: { data: string }): Promise<void> {
  const client = openClient({ socketPath: socketPathOf(options.data) })
  const { machine } = await client.request<{ machine: Machine }>('GET', `/api/v1/machines/${encodeURIComponent(name)}`)
  const { deploymentId } = machine.intent
  if (deploymentId === undefined)
    throw new Error(`${name} has no deployment under way; its next boot is ${machine.intent.kind}`)
  await client.request('POST', `/api/v1/deployments/${deploymentId}/cancel`)
  const after = await client.request<{ machine: Machine }>('GET', `/api/v1/machines/${encodeURIComponent(name)}`)
  process.stdout.write(`${name}: the deployment is cancelled; its next boot is ${after.machine.intent.kind}\n`)
}
