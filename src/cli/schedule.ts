import { Command } from 'commander'
import type { ScheduledOrder } from '../core/machine-order.ts'
import { openClient } from './client.ts'
import { dataOption, jsonOption, socketPathOf } from './data-directory.ts'
import { printJson } from './output.ts'
import { describeScheduled } from './place-orders.ts'

type Options = { data: string; json?: boolean }

export function scheduleCommand(): Command {
  const command = new Command('schedule').description('orders that wait for their time (deploy … --at)')
  command
    .command('list')
    .description('those that wait, and what became of the others')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(list)
  command
    .command('cancel')
    .description('takes one back that still waits')
    .argument('<id>', "as in 'schedule list'")
    .addOption(dataOption())
    .action(cancel)
  return command
}

async function list(options: Options): Promise<void> {
  const { scheduled } = await clientOf(options).request<{ scheduled: ScheduledOrder[] }>(
    'GET',
    '/api/v1/orders/scheduled',
  )
  if (options.json) return printJson(scheduled)
  const lines = scheduled.flatMap((one) => [
    describeScheduled(one),
    ...one.placed.flatMap(({ machine, refused }) =>
      refused === undefined ? [] : [`  ${machine}: refused: ${refused}`],
    ),
  ])
  process.stdout.write(lines.length === 0 ? 'nothing is scheduled\n' : `${lines.join('\n')}\n`)
}

async function cancel(id: string, options: Options): Promise<void> {
  await clientOf(options).request('POST', `/api/v1/orders/scheduled/${encodeURIComponent(id)}/cancel`)
  process.stdout.write(`${id}: it is not ordered any more\n`)
}

function clientOf({ data }: Options) {
  return openClient({ socketPath: socketPathOf(data) })
}
