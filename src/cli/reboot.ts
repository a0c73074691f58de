import { Command } from 'commander'
import { openClient } from './client.ts'
import { dataOption, socketPathOf } from './data-directory.ts'

export function rebootCommand(): Command {
  return new Command('reboot')
    .description('restarts machines whose agent waits: those that are rescued, or that failed, or have no order')
    .argument('<machines...>', 'names')
    .addOption(dataOption())
    .action(reboot)
}

async function reboot(machines: string[], { data }: { data: string }): Promise<void> {
  const client = openClient({ socketPath: socketPathOf(data) })
  await Promise.all(
    machines.map(async (machine) => {
      try {
        await client.request('POST', `/api/v1/machines/${encodeURIComponent(machine)}/reboot`)
        process.stdout.write(`${machine}: its agent restarts it\n`)
      } catch (error) {
        process.stderr.write(`${machine}: ${(error as Error).message}\n`)
        process.exitCode = 1
      }
    }),
  )
}
