import { readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { longestScriptBytes, type RunWork } from '../core/errand.ts'
import { whereOption } from './choose-machines.ts'
import { openClient } from './client.ts'
import { dataOption, jsonOption, socketPathOf } from './data-directory.ts'
import { type ErrandOptions, orderErrand } from './order-errand.ts'
import { parseDuration } from './parse-duration.ts'
import { atOption, bootAttemptsOption } from './place-orders.ts'
import { errandFollowOption } from './tell-errand.ts'

export function runCommand(): Command {
  return new Command('run')
    .description("runs a script or program of yours in the agent's system at the next network boot")
    .usage('[options] <machines...> <file>\n       bootwright run [options] --url <url> <machines...>')
    .argument('[machines-and-file...]', 'names of machines, and the file at the end')
    .addOption(whereOption())
    .option('--url <url>', 'the machine fetches it from there, in place of a file')
    .option('--argument <argument...>', 'for it')
    .addOption(
      new Option('--timeout <time>', 'after which it is ended: 90s, 30m, 4h').argParser(seconds).default(1800, '30m'),
    )
    .addOption(
      new Option('--then <what>', 'the machine does when it is done')
        .choices(['reboot', 'stay', 'power-off'])
        .default('reboot'),
    )
    .option('--standing', 'at every network boot, until it is cancelled')
    .addOption(bootAttemptsOption())
    .addOption(atOption())
    .addOption(errandFollowOption('exit 0 when it was done'))
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(run)
}

type RunOptions = ErrandOptions & {
  data: string
  url?: string
  argument?: string[]
  timeout: number
  then: RunWork['afterwards']
}

async function run(given: string[], options: RunOptions, command: Command): Promise<void> {
  const { url, argument = [], timeout: timeoutSeconds, then: afterwards } = options
  const file = url === undefined ? given.at(-1) : undefined
  if (url === undefined && file === undefined) command.error('error: say what to run: a file, or --url')
  const machines = file === undefined ? given : given.slice(0, -1)
  const source = file === undefined ? { url: url! } : { script: await readScript(file) }
  const name = basename(file ?? new URL(url!).pathname) || 'the script'
  const work: RunWork = { kind: 'run', name, ...source, arguments: argument, timeoutSeconds, afterwards }
  const client = openClient({ socketPath: socketPathOf(options.data) })
  await orderErrand(client, machines, work, options, command)
}

async function readScript(file: string): Promise<string> {
  const { size } = await stat(file)
  if (size === 0) throw new Error(`${file} is empty`)
  if (size > longestScriptBytes) {
    throw new Error(`${file} is longer than ${longestScriptBytes} bytes: let a script fetch it, or use --url`)
  }
  return (await readFile(file)).toString('base64')
}

function seconds(text: string): number {
  const value = parseDuration(text)
  if (value === undefined) throw new InvalidArgumentError('it is not a time such as 90s, 30m or 4h')
  return value
}
