import { Command, InvalidArgumentError, Option } from 'commander'
import type { RenditionResult } from '../api/run-rendition-job.ts'
import type { RamrootChoice } from '../core/intent.ts'
import { type Update, type UpdatePolicy, usualUpdatePolicy } from '../core/update.ts'
import type { ListedMachine } from '../deploy/machine-selection.ts'
import { chooseMachines, listMachines, whereOption } from './choose-machines.ts'
import { type Client, openClient } from './client.ts'
import { dataOption, jsonOption, socketPathOf } from './data-directory.ts'
import { followJob } from './follow-job.ts'
import { describeUpdate, exitCodeOf, followUpdate, updateTable } from './follow-update.ts'
import { printJson, printTable } from './output.ts'
import { parseDuration } from './parse-duration.ts'

type Shared = { data: string; json?: boolean }

type Options = Shared & {
  where?: string
  to?: string
  canaries: number
  batch: UpdatePolicy['batch']
  maxFailures: number
  pause: number
  timeLimit: number
  by: UpdatePolicy['by']
  follow: boolean
}

export function updateCommand(): Command {
  const usual = usualUpdatePolicy
  const command = new Command('update')
    .description('moves machines that run from memory to a newer version by kexec, a few at a time')
    .argument('[machines...]', 'their names')
    .addOption(whereOption())
    .option(
      '--to <reference>',
      'what they run from now on; where not given, what the reference that they have means now',
    )
    .option('--canaries <number>', 'so many come up before anything else is touched', parseCount, usual.canaries)
    .addOption(
      new Option('--batch <number|percent>', 'how many at once then: 5, or 10%')
        .argParser(parseBatch)
        .default(usual.batch, '10%'),
    )
    .option('--max-failures <number>', 'so many may fail; a canary may not', parseCount, usual.maximumFailures)
    .addOption(
      new Option('--pause <time>', 'between one batch and the next: 90s, 10m')
        .argParser(parseSeconds)
        .default(usual.pauseSeconds, 'none'),
    )
    .addOption(
      new Option('--time-limit <time>', 'for a machine to come up')
        .argParser(parseSeconds)
        .default(usual.timeLimitSeconds, '15m'),
    )
    .addOption(new Option('--by <way>', 'how they restart').choices(['kexec', 'reboot']).default(usual.by))
    .option('--no-follow', 'does not wait for its end')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(update)
  const sub = (name: string, description: string) =>
    command
      .command(name)
      .description(description)
      .argument('[id]', 'the newest where not given')
      .addOption(dataOption())
      .addOption(jsonOption())
  command
    .command('list')
    .description('updates, the newest first')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(list)
  sub('show', 'what became of each machine').action(show)
  sub('stop', 'tells no further machine; those that restart come up').action(stop)
  sub('continue', 'goes on with the machines that wait').option('--no-follow', 'does not wait for its end').action(goOn)
  return command
}

async function update(names: string[], options: Options, command: Command): Promise<void> {
  const client = clientOf(options)
  const { to, canaries, batch, maxFailures: maximumFailures, pause: pauseSeconds } = options
  const machines = await chooseMachines(client, names, options, (reason) => command.error(reason))
  await makeForms(client, machines, to)
  const policy = { canaries, batch, maximumFailures, pauseSeconds, timeLimitSeconds: options.timeLimit, by: options.by }
  const body = { machines, policy, ...(to !== undefined && { to }) }
  const placed = await client.request<{ update: Update }>('POST', '/api/v1/updates/', body)
  await tell(client, placed.update, { ...options, since: placed.update.createdAt })
}

/** What they will run is made first, with its progress: an update would fail for want of it. */
async function makeForms(client: Client, names: readonly string[], to: string | undefined): Promise<void> {
  const boots = (await listMachines(client)).flatMap(({ name, standing }: ListedMachine) =>
    names.includes(name) && standing.kind === 'ramroot' ? [standing.boot] : [],
  )
  const wanted = new Map(
    boots.map((boot) => [`${to ?? boot.image} ${boot.rendition}`, { ...boot, image: to ?? boot.image }]),
  )
  for (const { image: reference, rendition } of wanted.values() as Iterable<RamrootChoice>) {
    const body = { reference, rendition }
    await followJob<RenditionResult>(client, { method: 'POST', path: '/api/v1/image-renditions', body })
  }
}

type Telling = { since: number; follow: boolean; json?: boolean }

async function tell(client: Client, begun: Update, { since, follow, json }: Telling): Promise<void> {
  const ended = follow ? await followUpdate(client, begun, since, json ? process.stderr : process.stdout) : begun
  if (json) printJson(ended)
  else process.stdout.write(`${describeUpdate(ended)}\n`)
  if (follow) process.exitCode = exitCodeOf(ended)
}

async function list(options: Shared): Promise<void> {
  const { updates } = await clientOf(options).request<{ updates: Update[] }>('GET', '/api/v1/updates/')
  if (options.json) return printJson(updates)
  process.stdout.write(
    updates.length === 0 ? 'there are no updates\n' : updates.map((each) => `${describeUpdate(each)}\n`).join(''),
  )
}

async function show(id: string | undefined, options: Shared): Promise<void> {
  const shown = await find(clientOf(options), id)
  if (options.json) return printJson(shown)
  process.stdout.write(`${describeUpdate(shown)}\n`)
  printTable(['MACHINE', 'STATE', 'BY', 'SECONDS', 'VERSION', ''], updateTable(shown))
}

async function stop(id: string | undefined, options: Shared): Promise<void> {
  const client = clientOf(options)
  const { update: stopped } = await client.request<{ update: Update }>('POST', await pathOf(client, id, 'stop'))
  await tell(client, stopped, { ...options, since: 0, follow: false })
}

async function goOn(id: string | undefined, options: Shared & { follow: boolean }): Promise<void> {
  const client = clientOf(options)
  const since = Date.now()
  const { update: going } = await client.request<{ update: Update }>('POST', await pathOf(client, id, 'continue'))
  await tell(client, going, { ...options, since })
}

async function pathOf(client: Client, id: string | undefined, action: string): Promise<string> {
  return `/api/v1/updates/${encodeURIComponent(id ?? (await find(client, id)).id)}/${action}`
}

async function find(client: Client, id: string | undefined): Promise<Update> {
  if (id !== undefined)
    return (await client.request<{ update: Update }>('GET', `/api/v1/updates/${encodeURIComponent(id)}`)).update
  const [newest] = (await client.request<{ updates: Update[] }>('GET', '/api/v1/updates/')).updates
  if (!newest) throw new Error('there are no updates')
  return newest
}

function clientOf({ data }: Shared): Client {
  return openClient({ socketPath: socketPathOf(data) })
}

function parseCount(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('a whole number')
}

function parseBatch(text: string): UpdatePolicy['batch'] {
  const [, number, sign] = /^([1-9]\d{0,3})(%?)$/.exec(text) ?? []
  if (number === undefined) throw new InvalidArgumentError('a number of machines (5), or a part of them (10%)')
  return sign === '%' ? { percent: Number(number) } : { machines: Number(number) }
}

function parseSeconds(text: string): number {
  const seconds = text === '0' ? 0 : parseDuration(text)
  if (seconds !== undefined) return seconds
  throw new InvalidArgumentError('seconds, or 90s, 10m, 2h')
}
