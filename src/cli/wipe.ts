import { Command, Option } from 'commander'
import type { DiskRule } from '../core/disk-rule.ts'
import type { WipeMethod, WipeWork } from '../core/errand.ts'
import { whereOption } from './choose-machines.ts'
import { openClient } from './client.ts'
import { confirmMachines } from './confirm-machines.ts'
import { dataOption, jsonOption, socketPathOf } from './data-directory.ts'
import { diskOption } from './deploy.ts'
import { type ErrandOptions, orderErrand } from './order-errand.ts'
import { atOption, bootAttemptsOption } from './place-orders.ts'

type Options = ErrandOptions & { data: string; yes?: boolean }
type WipeOptions = Options & { disk?: DiskRule; allDisks?: boolean; method: WipeMethod }

const methods: readonly WipeMethod[] = ['auto', 'sanitize', 'format', 'secure-erase', 'discard', 'overwrite']

export function wipeCommand(): Command {
  const command = new Command('wipe')
    .description('erases disks of machines at their next network boot, and shows that they are erased')
    .addOption(diskOption().conflicts('allDisks'))
    .option('--all-disks', 'every fixed disk (not what is removable, shared, or shown by a BMC)')
    .addOption(
      new Option('--method <method>', "how; auto: the drive's own way first, overwriting last")
        .choices(methods)
        .default('auto'),
    )
  return withOrderOptions(command).action((machines: string[], options: WipeOptions) => {
    if (options.disk === undefined && !options.allDisks)
      command.error('error: say which disks: --disk RULE or --all-disks')
    const work: WipeWork = { kind: 'wipe', disks: options.disk ?? 'all', method: options.method }
    return order({ machines, work, options, what: options.disk ? 'wiping a disk' : 'wiping all disks' }, command)
  })
}

export function releaseCommand(): Command {
  const command = new Command('release').description(
    'gives machines back: all their disks are erased, then they are ready for something else; labels and names stay',
  )
  return withOrderOptions(command).action((machines: string[], options: Options) => {
    const work: WipeWork = { kind: 'wipe', disks: 'all', method: 'auto' }
    return order({ machines, work, options, what: 'releasing, which wipes all disks' }, command)
  })
}

function withOrderOptions(command: Command): Command {
  return command
    .argument('[machines...]', 'names')
    .addOption(whereOption())
    .option('--yes', "do not ask; otherwise the machine's name is to be typed")
    .option('--follow', 'show what happens until it has ended; exit 0 only when every disk is shown to be erased')
    .addOption(bootAttemptsOption())
    .addOption(atOption())
    .addOption(dataOption())
    .addOption(jsonOption())
}

type Wanted = { machines: string[]; work: WipeWork; options: Options; what: string }

async function order({ machines, work, options, what }: Wanted, command: Command): Promise<void> {
  const client = openClient({ socketPath: socketPathOf(options.data) })
  const confirm = (names: readonly string[]) => confirmMachines(names, { yes: options.yes ?? false, what })
  await orderErrand(client, machines, work, { ...options, confirm }, command)
}
