import { Command } from 'commander'
import { whereOption } from './choose-machines.ts'
import { openClient } from './client.ts'
import { dataOption, jsonOption, socketPathOf } from './data-directory.ts'
import { type ErrandOptions, orderErrand } from './order-errand.ts'
import { atOption, bootAttemptsOption } from './place-orders.ts'
import { readPublicKeys } from './public-keys.ts'
import { errandFollowOption } from './tell-errand.ts'

export function rescueCommand(): Command {
  return new Command('rescue')
    .description("boots the agent's system with SSH and tools; 'bootwright ssh MACHINE' goes there")
    .argument('[machines...]', 'names')
    .addOption(whereOption())
    .option('--ssh-key <file...>', 'public keys that may log in, beside those of the site file (~/.ssh/id_*.pub)')
    .option('--standing', 'at every network boot, until it is cancelled')
    .addOption(bootAttemptsOption())
    .addOption(atOption())
    .addOption(errandFollowOption('exit 0 when it can be reached'))
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(rescue)
}

type RescueOptions = ErrandOptions & { data: string; sshKey?: string[] }

async function rescue(machines: string[], options: RescueOptions, command: Command): Promise<void> {
  const client = openClient({ socketPath: socketPathOf(options.data) })
  const sshKeys = await readPublicKeys(options.sshKey)
  await orderErrand(client, machines, { kind: 'rescue', sshKeys }, options, command)
}
