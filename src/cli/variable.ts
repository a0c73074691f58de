import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { Command } from 'commander'
import type { Variable } from '../core/setup.ts'
import { jsonOption } from './data-directory.ts'
import { printJson, printTable } from './output.ts'
import { clientOf, ofScope, type ScopeOptions, scopeOf, scopePath, whose } from './scope-option.ts'

type SetOptions = ScopeOptions & { secret?: boolean; from?: string }
type ShownVariable = Omit<Variable, 'value'> & { value?: string }

export function variableCommand(): Command {
  const command = new Command('variable').description('what templates and hooks of deployments are given')
  whose(command.command('set <name> [value]').description('of an image, a group or a machine; the nearest one counts'))
    .option('--secret', 'never shown again, and kept out of what scripts say')
    .option('--from <file>', 'the value is what a file has; - is standard input')
    .action(setVariable)
  whose(command.command('list').description('all variables, or those of one image, group or machine'))
    .addOption(jsonOption())
    .action(listVariables)
  whose(command.command('remove <name>').description('takes it away')).action(removeVariable)
  return command
}

async function setVariable(
  name: string,
  given: string | undefined,
  options: SetOptions,
  command: Command,
): Promise<void> {
  const { secret = false, from } = options
  if ((given === undefined) === (from === undefined)) command.error('error: give a value, or --from FILE')
  // Whoever looks at the list of processes, or into the shell's history, would read it.
  if (secret && given !== undefined)
    command.error('error: a secret does not stand in a command: give it by --from FILE')
  const value = given ?? (await readValue(from!))
  await clientOf(options).request('PUT', pathOf(name, options, command), { value, secret })
}

/** Without the line end that an editor or echo leaves behind one line. */
async function readValue(from: string): Promise<string> {
  const content = from === '-' ? await text(process.stdin) : await readFile(from, 'utf8')
  return content.replace(/^([^\n]*)\n$/, '$1')
}

async function listVariables(options: ScopeOptions & { json?: boolean }): Promise<void> {
  const answer = await clientOf(options).request<{ variables: ShownVariable[] }>('GET', '/api/v1/variables/')
  const variables = ofScope(answer.variables, options)
  if (options.json) return printJson(variables)
  if (variables.length === 0) return void process.stdout.write('there are no variables\n')
  const rows = variables.map(({ scope, name, value }) => [scope.kind, scope.name, name, describeValue(value)])
  printTable(['WHOSE', 'NAME', 'VARIABLE', 'VALUE'], rows)
}

function describeValue(value: string | undefined): string {
  if (value === undefined) return '(secret)'
  const lines = value.split('\n').length
  return lines === 1 ? value : `(${lines} lines)`
}

async function removeVariable(name: string, options: ScopeOptions, command: Command): Promise<void> {
  await clientOf(options).request('DELETE', pathOf(name, options, command))
}

function pathOf(name: string, options: ScopeOptions, command: Command): string {
  return `/api/v1/variables/${scopePath(scopeOf(options, command))}/${encodeURIComponent(name)}`
}
