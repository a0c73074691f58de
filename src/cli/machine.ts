import { Command, Option } from 'commander'
import type { Machine } from '../core/machine.ts'
import type { MachineConflict } from '../core/machine-identity.ts'
import { openClient } from './client.ts'
import { dataOption, jsonOption, socketPathOf } from './data-directory.ts'
import { type MachinePage, printMachinePage } from './machine-page.ts'
import { readMachinesFile } from './machines-file.ts'
import { printJson, printTable } from './output.ts'

type Shared = { data: string; json?: boolean }

export function machineCommand(): Command {
  const command = new Command('machine').description('the machines that are known, and what they boot next')
  command
    .command('list')
    .description('all machines')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(listMachines)
  command
    .command('show <machine>')
    .description('one machine: addresses, intent, inventory, deployments')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(showMachine)
  command
    .command('set <machine>')
    .description('makes a machine (give its MAC address) or changes one')
    .option('--mac <address...>', 'its MAC addresses, in place of those it has')
    .option('--address <ipv4>', 'address reserved for it')
    .option('--group <group>', 'the group whose settings it takes')
    .option('--rename <name>', 'a new name')
    .addOption(
      new Option('--intent <intent>', 'what its next network boot does').choices(['local', 'menu', 'discover']),
    )
    .option('--shared-uuid', 'another computer has the same SMBIOS UUID: they are two all the same')
    .addOption(
      new Option('--hand-over <way>', 'how deployments leave it; inherit: as its model or group').choices([
        'reboot',
        'kexec',
        'inherit',
      ]),
    )
    .option('--approve', 'mark a machine that was discovered as ours')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(setMachine)
  command
    .command('import <file>')
    .description(
      "makes and changes the machines of a file (YAML: 'machines', each with name, macs, address, group), all or none",
    )
    .addOption(dataOption())
    .action(importMachines)
  command
    .command('remove <machine>')
    .description('forgets a machine and its deployments')
    .addOption(dataOption())
    .action(async (name: string, options: Shared) => {
      await clientOf(options).request('DELETE', `/api/v1/machines/${encodeURIComponent(name)}`)
    })
  return command
}

async function listMachines(options: Shared): Promise<void> {
  const { machines } = await clientOf(options).request<{ machines: Machine[] }>('GET', '/api/v1/machines/')
  if (options.json) return printJson(machines)
  if (machines.length === 0)
    return void process.stdout.write('no machines yet; one appears here when it network-boots\n')
  printTable(
    ['NAME', 'MAC', 'ADDRESS', 'NEXT BOOT', 'LAST SEEN'],
    machines.map((machine) => [
      machine.name,
      machine.macs.join(','),
      machine.address ?? '-',
      machine.conflicts ? `held: ${machine.conflicts.map(shortConflict).join(', ')}` : machine.intent.kind,
      machine.lastSeenAt ? new Date(machine.lastSeenAt).toISOString() : '-',
    ]),
  )
}

function shortConflict({ kind, machine }: MachineConflict): string {
  return kind === 'uuid' ? `UUID of ${machine}` : `cards of ${machine}`
}

async function showMachine(name: string, options: Shared): Promise<void> {
  const page = await clientOf(options).request<MachinePage>('GET', `/api/v1/machines/${encodeURIComponent(name)}`)
  if (options.json) printJson(page)
  else printMachinePage(page)
}

type SetOptions = Shared & {
  mac?: string[]
  address?: string
  group?: string
  rename?: string
  intent?: string
  handOver?: string
  sharedUuid?: boolean
  approve?: boolean
}

async function setMachine(name: string, options: SetOptions): Promise<void> {
  const { machine } = await clientOf(options).request<{ machine: Machine }>(
    'PUT',
    `/api/v1/machines/${encodeURIComponent(name)}`,
    {
      ...(options.mac && { macs: options.mac }),
      ...(options.address && { address: options.address }),
      ...(options.group && { group: options.group }),
      ...(options.rename && { newName: options.rename }),
      ...(options.handOver && { handOver: options.handOver === 'inherit' ? null : options.handOver }),
      ...(options.intent && { intent: options.intent }),
      ...(options.sharedUuid && { sharesUuid: true }),
      ...(options.approve && { approved: true }),
    },
  )
  if (options.json) printJson(machine)
  else process.stdout.write(`${machine.name} (${machine.macs.join(', ')}): next boot ${machine.intent.kind}\n`)
}

async function importMachines(path: string, options: Shared): Promise<void> {
  const machines = await readMachinesFile(path)
  await clientOf(options).request('POST', '/api/v1/machines/', { machines })
  process.stdout.write(`${machines.length} machines are known\n`)
}

function clientOf(options: Shared) {
  return openClient({ socketPath: socketPathOf(options.data) })
}
