import { Command } from 'commander'
import type { KernelChoice, StandingIntent } from '../core/intent.ts'
import { chooseMachines, whereOption } from './choose-machines.ts'
import { openClient } from './client.ts'
import { dataOption, jsonOption, socketPathOf } from './data-directory.ts'
import { type ErrandOptions, orderErrand } from './order-errand.ts'
import { parseDuration } from './parse-duration.ts'
import { atOption, bootAttemptsOption, placeOrders } from './place-orders.ts'
import { errandFollowOption } from './tell-errand.ts'

export function bootCommand(): Command {
  return new Command('boot')
    .description('says what machines boot: their disk, the menu, the agent, or a kernel of yours')
    .argument('[machines...]', 'names')
    .addOption(whereOption())
    .option('--local', 'their own disk, while nothing is ordered')
    .option('--menu', 'the boot menu, while nothing is ordered')
    .option('--discover', 'the agent, which waits, while nothing is ordered')
    .option('--kernel <path>', "a kernel below the site file's files, at the next boot")
    .option('--initrd <path...>', 'for it, likewise')
    .option('--argument <argument...>', 'for it; {{mac}} {{name}} {{address}} {{server}} {{done}} are filled in')
    .option('--standing', 'the kernel is booted whenever nothing is ordered, and not once')
    .option('--timeout <time>', 'in which {{done}} must be fetched: 90s, 30m, 4h', '30m')
    .addOption(bootAttemptsOption())
    .addOption(atOption())
    .addOption(errandFollowOption('exit 0 when it was done'))
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(boot)
}

type BootOptions = ErrandOptions & {
  data: string
  local?: boolean
  menu?: boolean
  discover?: boolean
  kernel?: string
  initrd?: string[]
  argument?: string[]
  timeout: string
}

async function boot(machines: string[], options: BootOptions, command: Command): Promise<void> {
  const chosen = (['local', 'menu', 'discover'] as const).filter((kind) => options[kind])
  if (chosen.length + (options.kernel === undefined ? 0 : 1) !== 1) {
    command.error('error: say one of --local, --menu, --discover and --kernel')
  }
  const client = openClient({ socketPath: socketPathOf(options.data) })
  const kernel = kernelChoice(options)
  if (kernel === undefined || options.standing) {
    const intent: StandingIntent = kernel === undefined ? { kind: chosen[0]! } : { kind: 'kernel', boot: kernel }
    const chosenMachines = await chooseMachines(client, machines, options, (reason) => command.error(reason))
    return placeOrders(client, chosenMachines, { kind: 'boot', intent }, options)
  }
  const timeoutSeconds = parseDuration(options.timeout)
  if (timeoutSeconds === undefined) return command.error('error: --timeout is a time such as 90s, 30m or 4h')
  await orderErrand(client, machines, { kind: 'kernel', boot: kernel, timeoutSeconds }, options, command)
}

function kernelChoice({ kernel, initrd, argument }: BootOptions): KernelChoice | undefined {
  if (kernel === undefined) return undefined
  return { kernel, ...(initrd && { initrds: initrd }), ...(argument && { arguments: argument }) }
}
