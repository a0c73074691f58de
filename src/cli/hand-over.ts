import { Command, Option } from 'commander'
import type { HandOverRule } from '../core/hand-over.ts'
import { openClient } from './client.ts'
import { dataOption, jsonOption, socketPathOf } from './data-directory.ts'
import { printJson, printTable } from './output.ts'

type Shared = { data: string; json?: boolean }
type Whose = { group?: string; model?: string }

export function handOverCommand(): Command {
  const command = new Command('hand-over').description(
    "how deployments leave the machines of a group or a model (one machine: 'machine set --hand-over')",
  )
  command
    .command('list')
    .description('what was chosen')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(listRules)
  whose(command.command('set <way>').description('chooses reboot (by the firmware) or kexec')).action(setRule)
  whose(command.command('clear').description('takes a choice back')).action(clearRule)
  return command
}

function whose(command: Command): Command {
  return command
    .addOption(new Option('--group <name>', 'the machines of this group').conflicts('model'))
    .option('--model <name>', "the machines of this model, as 'machine show' names it without its manufacturer")
    .addOption(dataOption())
}

async function listRules(options: Shared): Promise<void> {
  const { rules } = await clientOf(options).request<{ rules: HandOverRule[] }>('GET', '/api/v1/hand-over/')
  if (options.json) return printJson(rules)
  if (rules.length === 0) return void process.stdout.write('nothing was chosen: all machines restart by the firmware\n')
  printTable(
    ['WHOSE', 'NAME', 'HAND-OVER'],
    rules.map(({ scope, name, handOver }) => [scope, name, handOver]),
  )
}

async function setRule(way: string, options: Shared & Whose, command: Command): Promise<void> {
  if (way !== 'reboot' && way !== 'kexec') command.error(`error: "${way}" is no way to leave; use reboot or kexec`)
  await clientOf(options).request('PUT', pathOf(options, command), { handOver: way })
}

async function clearRule(options: Shared & Whose, command: Command): Promise<void> {
  await clientOf(options).request('DELETE', pathOf(options, command))
}

function pathOf({ group, model }: Whose, command: Command): string {
  const name = group ?? model ?? command.error('error: say whose: --group NAME or --model NAME')
  return `/api/v1/hand-over/${group === undefined ? 'model' : 'group'}/${encodeURIComponent(name)}`
}

function clientOf(options: Shared) {
  return openClient({ socketPath: socketPathOf(options.data) })
}
