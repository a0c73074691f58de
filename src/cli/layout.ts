import { Command } from 'commander'
import { stringify } from 'yaml'
import { Layout } from '../core/layout.ts'
import { findReadyLayout, readyLayouts } from '../core/ready-layouts.ts'
import { jsonOption } from './data-directory.ts'
import { readLayoutFile } from './layout-file.ts'
import { printJson, printTable } from './output.ts'

export function layoutCommand(): Command {
  const command = new Command('layout').description('what a deployment does to the partitions of a disk')
  command.command('list').description('the ready layouts').addOption(jsonOption()).action(listLayouts)
  command
    .command('show <name>')
    .description('a ready layout as YAML, to begin one of your own with')
    .addOption(jsonOption())
    .action(showLayout)
  command
    .command('check <file>')
    .description('whether a file is a layout; what is wrong is told with its line')
    .action(async (file: string) => {
      const layout = await readLayoutFile(file)
      process.stdout.write(`${file}: the layout ${layout.name} is well formed\n`)
    })
  command
    .command('schema')
    .description('the JSON schema of layouts, for editors')
    .action(() => printJson({ $schema: 'https://json-schema.org/draft/2020-12/schema', ...Layout }))
  return command
}

function listLayouts(options: { json?: boolean }): void {
  const rows = readyLayouts.map((layout) => [layout.name, layout.table, layout.description ?? ''])
  if (options.json) printJson(readyLayouts)
  else printTable(['NAME', 'TABLE', 'WHAT IT DOES'], rows)
}

function showLayout(name: string, options: { json?: boolean }): void {
  const layout = findReadyLayout(name)
  if (layout === undefined) {
    throw new Error(`There is no layout "${name}"; there are ${readyLayouts.map((ready) => ready.name).join(', ')}`)
  }
  if (options.json) printJson(layout)
  else process.stdout.write(stringify(layout))
}
