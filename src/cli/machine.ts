import { Command } from 'commander'
import { formatLabels } from '../core/labels.ts'
import type { MachineConflict } from '../core/machine-identity.ts'
import { type Chosen, listMachines, whereOption } from './choose-machines.ts'
import { openClient } from './client.ts'
import { dataOption, jsonOption, socketPathOf } from './data-directory.ts'
import { machineApproveCommand, machineExpectCommand } from './machine-approve.ts'
import { type MachinePage, printMachinePage } from './machine-page.ts'
import { machineSetCommand } from './machine-set.ts'
import { readMachinesFile } from './machines-file.ts'
import { printJson, printTable } from './output.ts'

type Shared = { data: string; json?: boolean }

export function machineCommand(): Command {
  const command = new Command('machine').description('the machines that are known, and what they boot next')
  command
    .command('list')
    .description('all machines, or those of a selector, with their states')
    .addOption(whereOption())
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(showMachines)
  command
    .command('show <machine>')
    .description('one machine: addresses, intent, inventory, deployments')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(showMachine)
  command.addCommand(machineSetCommand())
  command.addCommand(machineApproveCommand())
  command.addCommand(machineExpectCommand())
  command
    .command('import <file>')
    .description(
      "makes and changes the machines of a file (YAML: 'machines', each with name, macs, address, group, labels), all or none",
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

async function showMachines(options: Shared & Chosen): Promise<void> {
  const machines = await listMachines(clientOf(options), options.where)
  if (options.json) return printJson(machines)
  if (machines.length === 0) return void process.stdout.write(`${wordsForNone(options)}\n`)
  printTable(
    ['NAME', 'STATE', 'GROUP', 'NEXT BOOT', 'MAC', 'ADDRESS', 'LAST SEEN', 'LABELS'],
    machines.map((machine) => [
      machine.name,
      machine.conflicts ? `held: ${machine.conflicts.map(shortConflict).join(', ')}` : machine.state,
      machine.group,
      machine.intent.kind,
      machine.macs.join(','),
      machine.address ?? '-',
      machine.lastSeenAt ? new Date(machine.lastSeenAt).toISOString() : '-',
      formatLabels(machine.labels),
    ]),
  )
}

function wordsForNone({ where }: Chosen): string {
  return where === undefined ? 'no machines yet; one appears here when it network-boots' : `no machine is "${where}"`
}

function shortConflict({ kind, machine }: MachineConflict): string {
  return kind === 'uuid' ? `UUID of ${machine}` : `cards of ${machine}`
}

async function showMachine(name: string, options: Shared): Promise<void> {
  const page = await clientOf(options).request<MachinePage>('GET', `/api/v1/machines/${encodeURIComponent(name)}`)
  if (options.json) printJson(page)
  else printMachinePage(page)
}

async function importMachines(path: string, options: Shared): Promise<void> {
  const machines = await readMachinesFile(path)
  await clientOf(options).request('POST', '/api/v1/machines/', { machines })
  process.stdout.write(`${machines.length} machines are known\n`)
}

function clientOf(options: Shared) {
  return openClient({ socketPath: socketPathOf(options.data) })
}
