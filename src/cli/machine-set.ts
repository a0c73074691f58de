import { Command, InvalidArgumentError, Option } from 'commander'
import { type Labels, labelKeyPattern } from '../core/labels.ts'
import type { Machine } from '../core/machine.ts'
import { whereOption } from './choose-machines.ts'
import { type Client, openClient } from './client.ts'
import { dataOption, jsonOption, socketPathOf } from './data-directory.ts'
import { addLabel } from './label-option.ts'
import { printJson } from './output.ts'

type SetOptions = {
  data: string
  json?: boolean
  where?: string
  dryRun?: boolean
  mac?: string[]
  address?: string
  group?: string
  label?: Labels
  unlabel?: string[]
  rename?: string
  intent?: string
  handOver?: string
  sharedUuid?: boolean
}

/** What is one machine's alone. */
const ofOne = ['mac', 'address', 'rename', 'sharedUuid'] as const

export function machineSetCommand(): Command {
  return new Command('set')
    .argument('[machine]')
    .description('makes a machine (give its MAC address), changes one, or changes all of a selector')
    .addOption(whereOption())
    .option('--dry-run', 'with --where: only say which machines these are')
    .option('--mac <address...>', 'its MAC addresses, in place of those it has')
    .option('--address <ipv4>', 'address reserved for it')
    .option('--group <group>', 'the group whose settings it takes')
    .addOption(new Option('--label <key=value...>', 'says something of it, beside what is said').argParser(addLabel))
    .addOption(new Option('--unlabel <key...>', 'takes a label away').argParser(addKey))
    .option('--rename <name>', 'a new name')
    .addOption(
      new Option('--intent <intent>', 'what it boots while nothing is ordered').choices(['local', 'menu', 'discover']),
    )
    .option('--shared-uuid', 'another computer has the same SMBIOS UUID: they are two all the same')
    .addOption(
      new Option('--hand-over <way>', 'how deployments leave it; inherit: as its model or group').choices([
        'reboot',
        'kexec',
        'inherit',
      ]),
    )
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(setMachine)
}

function addKey(text: string, before: string[] = []): string[] {
  if (!new RegExp(labelKeyPattern).test(text)) throw new InvalidArgumentError('it is no key of a label')
  return [...before, text]
}

async function setMachine(name: string | undefined, options: SetOptions, command: Command): Promise<void> {
  const client = openClient({ socketPath: socketPathOf(options.data) })
  const { where, dryRun } = options
  if ((name === undefined) === (where === undefined)) command.error('error: say one machine by its name, or --where')
  if (where !== undefined) return setSelected(client, where, options, command)
  if (dryRun) command.error('error: --dry-run is for --where')
  const path = `/api/v1/machines/${encodeURIComponent(name!)}`
  const { machine } = await client.request<{ machine: Machine }>('PUT', path, {
    ...sharedSettings(options),
    ...(options.mac && { macs: options.mac }),
    ...(options.address && { address: options.address }),
    ...(options.rename && { newName: options.rename }),
    ...(options.sharedUuid && { sharesUuid: true }),
  })
  if (options.json) printJson(machine)
  else process.stdout.write(`${machine.name} (${machine.macs.join(', ')}): next boot ${machine.intent.kind}\n`)
}

async function setSelected(client: Client, where: string, options: SetOptions, command: Command): Promise<void> {
  const single = ofOne.find((option) => options[option] !== undefined)
  if (single !== undefined)
    command.error(`error: --${single === 'sharedUuid' ? 'shared-uuid' : single} is of one machine`)
  const settings = sharedSettings(options)
  if (Object.keys(settings).length === 0) command.error('error: say what to change, such as --group or --label')
  const { dryRun = false } = options
  const body = { where, settings, dryRun }
  const { machines } = await client.request<{ machines: Machine[] }>('PATCH', '/api/v1/machines/', body)
  if (options.json) return printJson(machines)
  const names = machines.map((machine) => machine.name).join(' ')
  process.stdout.write(`${machines.length} ${dryRun ? 'would be changed' : 'changed'}: ${names}\n`)
}

function sharedSettings(options: SetOptions): Record<string, unknown> {
  return {
    ...(options.group && { group: options.group }),
    ...(options.label && { labels: options.label }),
    ...(options.unlabel && { unsetLabels: options.unlabel }),
    ...(options.handOver && { handOver: options.handOver === 'inherit' ? null : options.handOver }),
    ...(options.intent && { intent: options.intent }),
  }
}
