import { readFile } from 'node:fs/promises'
import { Command } from 'commander'
import type { FileTemplate } from '../core/setup.ts'
import { describeScope } from '../core/setup-scope.ts'
import { jsonOption } from './data-directory.ts'
import { printJson, printTable } from './output.ts'
import { clientOf, ofScope, type ScopeOptions, scopeOf, scopePath, whose } from './scope-option.ts'

type SetOptions = ScopeOptions & { mode?: string; owner?: string; verbatim?: boolean }

export function fileCommand(): Command {
  const command = new Command('file').description('files that deployments put into the new root (docs/hooks.md)')
  whose(command.command('set <path> <file>').description('a template: {{ NAME }} in it is a variable'))
    .option('--mode <octal>', 'such as 0640 (0644; 0600 where a secret stands in it)')
    .option('--owner <user:group>', 'names of the deployed system, or numbers (root:root)')
    .option('--verbatim', 'no template: the file is as it is')
    .action(setFile)
  whose(command.command('list').description('all files, or those of one image, group or machine'))
    .addOption(jsonOption())
    .action(listFiles)
  whose(command.command('show <path>').description('prints the template')).action(showFile)
  whose(command.command('remove <path>').description('later deployments do not get it')).action(removeFile)
  return command
}

async function setFile(path: string, file: string, options: SetOptions, command: Command): Promise<void> {
  const { mode, owner, verbatim } = options
  const said = { ...(mode !== undefined && { mode }), ...(owner !== undefined && { owner }) }
  const body = { template: await readFile(file, 'utf8'), ...said, ...(verbatim && { verbatim }) }
  await clientOf(options).request('PUT', pathOf(path, options, command), body)
}

async function listFiles(options: ScopeOptions & { json?: boolean }): Promise<void> {
  const files = ofScope(await readFiles(options), options)
  if (options.json) return printJson(files)
  if (files.length === 0) return void process.stdout.write('there are no files\n')
  const rows = files.map(({ scope, path, mode, owner, verbatim }) => [
    ...[scope.kind, scope.name, path, mode ?? '', owner, verbatim ? 'verbatim' : 'template'],
  ])
  printTable(['WHOSE', 'NAME', 'PATH', 'MODE', 'OWNER', 'KIND'], rows)
}

async function showFile(path: string, options: ScopeOptions, command: Command): Promise<void> {
  const scope = scopeOf(options, command)
  const file = ofScope(await readFiles(options), options).find((one) => one.path === path)
  if (!file) throw new Error(`${describeScope(scope)} has no file ${path}`)
  process.stdout.write(file.template)
}

async function removeFile(path: string, options: ScopeOptions, command: Command): Promise<void> {
  await clientOf(options).request('DELETE', pathOf(path, options, command))
}

async function readFiles(options: ScopeOptions): Promise<FileTemplate[]> {
  return (await clientOf(options).request<{ files: FileTemplate[] }>('GET', '/api/v1/files/')).files
}

function pathOf(path: string, options: ScopeOptions, command: Command): string {
  return `/api/v1/files/${scopePath(scopeOf(options, command))}?path=${encodeURIComponent(path)}`
}
