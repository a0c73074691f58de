import { Command, Option } from 'commander'
import type { ExpectedMachine } from '../core/expected-machine.ts'
import { formatLabels, type Labels } from '../core/labels.ts'
import type { Machine } from '../core/machine.ts'
import { openClient } from './client.ts'
import { dataOption, jsonOption, socketPathOf } from './data-directory.ts'
import { readExpectedFile } from './expected-file.ts'
import { addLabel } from './label-option.ts'
import { printJson, printTable } from './output.ts'

type Shared = { data: string; json?: boolean }
type ApproveOptions = Shared & { name?: string; group?: string; label?: Labels; address?: string }
type ExpectOptions = Shared & { list?: boolean; forget?: string }

export function machineApproveCommand(): Command {
  return new Command('approve')
    .argument('<machine>')
    .description('says that a machine that appeared is ours; what its group has ordered for such a one begins at once')
    .option('--name <name>', 'its name from now on')
    .option('--group <group>', 'the group whose settings it takes')
    .addOption(new Option('--label <key=value...>', 'says something of it').argParser(addLabel))
    .option('--address <ipv4>', 'address reserved for it')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(approve)
}

export function machineExpectCommand(): Command {
  return new Command('expect')
    .argument('[file]', 'CSV (name,serial,uuid,mac,group,labels,address) or YAML (machines)')
    .description(
      'approves machines that are to come: each when its agent reports this serial number, UUID or MAC address',
    )
    .option('--list', 'those that have not come yet')
    .option('--forget <id>', 'no longer waits for one')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(expect)
}

async function approve(given: string, options: ApproveOptions): Promise<void> {
  const client = openClient({ socketPath: socketPathOf(options.data) })
  const { name: newName, group, label: labels, address } = options
  const path = `/api/v1/machines/${encodeURIComponent(given)}/approve`
  const { machine } = await client.request<{ machine: Machine }>('POST', path, { newName, group, labels, address })
  if (options.json) printJson(machine)
  else process.stdout.write(`${machine.name} is approved: next boot ${machine.intent.kind}\n`)
}

async function expect(file: string | undefined, options: ExpectOptions, command: Command): Promise<void> {
  const client = openClient({ socketPath: socketPathOf(options.data) })
  const path = '/api/v1/expected'
  if (options.forget !== undefined) return client.request('DELETE', `${path}/${encodeURIComponent(options.forget)}`)
  if (file === undefined && !options.list) command.error('error: give a file, or --list')
  if (file === undefined) {
    const { machines } = await client.request<{ machines: ExpectedMachine[] }>('GET', path)
    return options.json ? printJson(machines) : printExpected(machines)
  }
  const machines = await readExpectedFile(file)
  const answer = await client.request<{ count: number; approved: Machine[] }>('POST', path, { machines })
  if (options.json) return printJson(answer)
  const names = answer.approved.map(({ name }) => name).join(' ')
  process.stdout.write(
    `${answer.count} machines are expected${names === '' ? '' : `; approved, as they wait already: ${names}`}\n`,
  )
}

function printExpected(machines: readonly ExpectedMachine[]): void {
  if (machines.length === 0) return void process.stdout.write('no machine is expected\n')
  printTable(
    ['ID', 'NAME', 'SERIAL', 'UUID', 'MAC', 'GROUP', 'ADDRESS', 'LABELS'],
    machines.map(({ id, name, serial, uuid, mac, group, address, labels }) => [
      ...[id, name ?? '-', serial ?? '-', uuid ?? '-', mac ?? '-', group ?? '-', address ?? '-'],
      formatLabels(labels),
    ]),
  )
}
