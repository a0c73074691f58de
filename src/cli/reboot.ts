import { Command } from 'commander'
import { type Chosen, chooseMachines, whereOption } from './choose-machines.ts'
import { openClient } from './client.ts'
import { dataOption, socketPathOf } from './data-directory.ts'
import { forEachMachine } from './for-each-machine.ts'

export function rebootCommand(): Command {
  return new Command('reboot')
    .description('restarts machines whose agent waits: those that are rescued, or that failed, or have no order')
    .argument('[machines...]', 'names')
    .addOption(whereOption())
    .addOption(dataOption())
    .action(reboot)
}

async function reboot(names: string[], options: Chosen & { data: string }, command: Command): Promise<void> {
  const client = openClient({ socketPath: socketPathOf(options.data) })
  const machines = await chooseMachines(client, names, options, (reason) => command.error(reason))
  await forEachMachine(machines, async (machine) => {
    await client.request('POST', `/api/v1/machines/${encodeURIComponent(machine)}/reboot`)
    return 'its agent restarts it'
  })
}
