import { Command } from 'commander'
import { cleanUpNames, cleanUpOperations } from '../image/clean-up/operations.ts'
import { jsonOption } from './data-directory.ts'
import { printJson, printTable } from './output.ts'

export function cleanUpCommand(): Command {
  return new Command('clean-up')
    .description("what 'image import --clean-up' can leave out of a version")
    .addOption(jsonOption())
    .action(listOperations)
}

function listOperations(options: { json?: boolean }): void {
  const rows = cleanUpNames.map((name) => [name, cleanUpOperations[name].describe])
  if (options.json) printJson(cleanUpOperations)
  else printTable(['OPERATION', 'LEAVES OUT'], rows)
}
