import { Command, Option } from 'commander'
import type { DiskRule } from '../core/disk-rule.ts'
import type { Errand, WipeMethod, WipeWork } from '../core/errand.ts'
import { chooseMachines, whereOption } from './choose-machines.ts'
import { openClient } from './client.ts'
import { confirmMachines } from './confirm-machines.ts'
import { dataOption, jsonOption, socketPathOf } from './data-directory.ts'
import { diskOption } from './deploy.ts'
import { atOption, type OrderOptions, placeOrders } from './place-orders.ts'
import { tellErrand } from './tell-errand.ts'

type Options = OrderOptions & { data: string; where?: string; yes?: boolean; follow?: boolean }
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
    .addOption(atOption())
    .addOption(dataOption())
    .addOption(jsonOption())
}

type Wanted = { machines: string[]; work: WipeWork; options: Options; what: string }

async function order({ machines, work, options, what }: Wanted, command: Command): Promise<void> {
  const client = openClient({ socketPath: socketPathOf(options.data) })
  const names = await chooseMachines(client, machines, options, (reason) => command.error(reason))
  const [machine = ''] = names
  const isOne = names.length === 1 && options.at === undefined
  if (!isOne && options.follow) command.error('error: --follow is for one machine, and for now')
  await confirmMachines(names, { yes: options.yes ?? false, what })
  if (!isOne) return placeOrders(client, names, { kind: 'errand', work }, options)
  const { errand } = await client.request<{ errand: Errand }>('POST', '/api/v1/errands/', { machine, work })
  await tellErrand(client, machine, errand, options)
}
