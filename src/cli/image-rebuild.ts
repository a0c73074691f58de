import { Command, Option } from 'commander'
import type { Rebuild } from '../api/rebuilds.ts'
import { type Shared, serviceOf, sharedCommand } from './image-service.ts'
import { cleanUpOption, type SourceOptions, sourceOf, sourceOptions } from './image-source-options.ts'
import { printJson, printTable } from './output.ts'

type Settings = Shared & SourceOptions & { every: string; promote: string; updates?: string; cleanUp?: string[] }

const path = (image = '') => `/api/v1/rebuilds/${encodeURIComponent(image)}`

export function rebuildCommand(): Command {
  const command = new Command('rebuild').description('images that are made anew when their models change')
  const set = sharedCommand('set <image>')
    .description('says what an image is made of, how often to look, and how a new version becomes current')
    .requiredOption('--every <time>', 'a time of day (03:17), or a period (30m, 6h, 1d)')
    .addOption(
      new Option('--promote <how>', 'at once, when a virtual machine has booted it, or when a person tags it current')
        .choices(['at-once', 'boot-test', 'by-hand'])
        .default('by-hand'),
    )
    .addOption(
      new Option(
        '--updates <which>',
        'with --recipe: build only when the package sources offer newer packages than it has, or the recipe or its base changed',
      ).choices(['security', 'all']),
    )
    .addOption(cleanUpOption())
    .action(setRebuild)
  for (const option of sourceOptions()) set.addOption(option)
  const commands = [
    set,
    sharedCommand('list').description('those there are, and what came of the last look').action(list),
    sharedCommand('now <image>')
      .description('looks at the model now')
      .option('--force', 'build whether or not it changed')
      .action(runNow),
    sharedCommand('remove <image>').description('leaves the image as it is from now on').action(remove),
  ]
  for (const each of commands) command.addCommand(each)
  return command
}

async function setRebuild(image: string, options: Settings): Promise<void> {
  const body = {
    ...{ source: sourceOf(options), every: options.every, promotion: options.promote },
    ...(options.updates && { updates: options.updates }),
    ...(options.cleanUp && { cleanUp: options.cleanUp }),
  }
  const { rebuild } = await serviceOf(options).request<{ rebuild: Rebuild }>('PUT', path(image), body)
  if (options.json) printJson(rebuild)
  else process.stdout.write(`${image} is looked at next at ${new Date(rebuild.dueAt).toISOString()}\n`)
}

async function list(options: Shared): Promise<void> {
  const { rebuilds } = await serviceOf(options).request<{ rebuilds: Rebuild[] }>('GET', path())
  if (options.json) return printJson(rebuilds)
  printTable(
    ['IMAGE', 'FROM', 'EVERY', 'PROMOTE', 'NEXT', 'LAST'],
    rebuilds.map(({ image, source, every, promotion, dueAt, outcome }) => [
      ...[image, `${source.kind} ${'path' in source ? source.path : source.name}`, every, promotion],
      new Date(dueAt).toISOString(),
      outcome ? `${outcome.kind}: ${outcome.message}` : '',
    ]),
  )
}

async function runNow(image: string, options: Shared & { force?: boolean }): Promise<void> {
  await serviceOf(options).request('POST', `${path(image)}/run${options.force ? '?force=true' : ''}`)
  process.stdout.write(`${image} is looked at; 'bootwright image rebuild list' has what comes of it\n`)
}

async function remove(image: string, options: Shared): Promise<void> {
  await serviceOf(options).request('DELETE', path(image))
  process.stdout.write(`${image} stays as it is\n`)
}
