import { Command } from 'commander'
import { describeRamdiskQueue, type RamdiskQueueStatus } from '../core/ramdisk-queue.ts'
import { describeWebhook, type WebhookStatus } from '../timeline/webhook.ts'
import { openClient } from './client.ts'
import { dataOption, jsonOption, socketPathOf } from './data-directory.ts'
import { printJson, printTable } from './output.ts'

export function statusCommand(): Command {
  return new Command('status')
    .description('whether the service runs, on what, and what its parts do')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(async (options: { data: string; json?: boolean }) => {
      const client = openClient({ socketPath: socketPathOf(options.data) })
      const status = await client.request<Record<string, unknown>>('GET', '/api/v1/status')
      if (options.json) printJson(status)
      else printTable([], Object.entries(status).flatMap(factRows))
    })
}

function factRows([name, value]: [string, unknown]): string[][] {
  if (name === 'webhooks') return (value as WebhookStatus[]).map((hook) => ['webhook', describeWebhook(hook)])
  if (name === 'ramdiskQueue') return [['agent', describeRamdiskQueue(value as RamdiskQueueStatus)]]
  return [[name, typeof value === 'object' ? JSON.stringify(value) : String(value)]]
}
