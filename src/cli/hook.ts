import { readFile } from 'node:fs/promises'
import { Command, InvalidArgumentError, Option } from 'commander'
import { type Hook, hookPoints } from '../core/setup.ts'
import { describeScope } from '../core/setup-scope.ts'
import { jsonOption } from './data-directory.ts'
import { printJson, printTable } from './output.ts'
import { clientOf, ofScope, type ScopeOptions, scopeOf, scopePath, whose } from './scope-option.ts'

type PointOptions = ScopeOptions & { point: string }

export function hookCommand(): Command {
  const command = new Command('hook').description('scripts that deployments run (docs/hooks.md)')
  whose(command.command('set <file>').description('the script of a point, in place of the one that was there'))
    .addOption(pointOption())
    .option('--timeout <time>', 'when it is ended, such as 60s or 10m (5m)', parseSeconds)
    .action(setHook)
  whose(command.command('list').description('all hooks, or those of one image, group or machine'))
    .addOption(jsonOption())
    .action(listHooks)
  whose(command.command('show').description('prints the script')).addOption(pointOption()).action(showHook)
  whose(command.command('remove').description('takes the script away')).addOption(pointOption()).action(removeHook)
  return command
}

function pointOption(): Option {
  return new Option('--point <point>', 'when it runs').choices(hookPoints).makeOptionMandatory()
}

async function setHook(file: string, options: PointOptions & { timeout?: number }, command: Command): Promise<void> {
  const script = await readFile(file, 'utf8')
  const body = { script, ...(options.timeout !== undefined && { timeoutSeconds: options.timeout }) }
  await clientOf(options).request('PUT', pathOf(options, command), body)
}

async function listHooks(options: ScopeOptions & { json?: boolean }): Promise<void> {
  const hooks = ofScope(await readHooks(options), options)
  if (options.json) return printJson(hooks)
  if (hooks.length === 0) return void process.stdout.write('there are no hooks\n')
  const rows = hooks.map(({ scope, point, script, timeoutSeconds }) => [
    ...[scope.kind, scope.name, point, `${timeoutSeconds} s`, `${script.trimEnd().split('\n').length} lines`],
  ])
  printTable(['WHOSE', 'NAME', 'POINT', 'TIMEOUT', 'SCRIPT'], rows)
}

async function showHook(options: PointOptions, command: Command): Promise<void> {
  scopeOf(options, command)
  const [hook] = ofScope(await readHooks(options), options).filter(({ point }) => point === options.point)
  if (!hook) throw new Error(`${describeScope(scopeOf(options, command))} has no hook ${options.point}`)
  process.stdout.write(hook.script)
}

async function removeHook(options: PointOptions, command: Command): Promise<void> {
  await clientOf(options).request('DELETE', pathOf(options, command))
}

async function readHooks(options: ScopeOptions): Promise<Hook[]> {
  return (await clientOf(options).request<{ hooks: Hook[] }>('GET', '/api/v1/hooks/')).hooks
}

function pathOf(options: PointOptions, command: Command): string {
  return `/api/v1/hooks/${scopePath(scopeOf(options, command))}/${options.point}`
}

const unitSeconds: Record<string, number> = { '': 1, s: 1, m: 60, h: 3600 }

export function parseSeconds(text: string): number {
  const [, digits, unit = ''] = /^(\d+)([smh]?)$/.exec(text) ?? []
  const seconds = Number(digits) * unitSeconds[unit]!
  if (!(seconds > 0)) throw new InvalidArgumentError('it is a time such as 90, 60s, 10m or 1h')
  return seconds
}
