import { Command } from 'commander'
import type { Machine } from '../core/machine.ts'
import { openClient } from './client.ts'
import { dataOption, jsonOption, socketPathOf } from './data-directory.ts'
import { showEvent } from './follow-work.ts'
import { ProgressBar } from './progress-bar.ts'

export function watchCommand(): Command {
  return new Command('watch')
    .description('shows what happens, as it happens')
    .argument('[machine]', 'only this machine')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(watch)
}

async function watch(machine: string | undefined, options: { data: string; json?: boolean }): Promise<void> {
  const client = openClient({ socketPath: socketPathOf(options.data) })
  const names = new Map<string, string>()
  const bar = new ProgressBar()
  for await (const event of client.events(machine === undefined ? { limit: 50 } : { machine, limit: 50 })) {
    if (options.json) {
      process.stdout.write(`${JSON.stringify(event)}\n`)
      continue
    }
    const { machineId } = event
    if (machineId && !names.has(machineId)) {
      const { machines } = await client.request<{ machines: Machine[] }>('GET', '/api/v1/machines/')
      for (const { id, name } of machines) names.set(id, name)
    }
    showEvent(bar, event, names.get(machineId ?? '') ?? '')
  }
}
