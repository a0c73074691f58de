import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import type { VersionSummary } from '../api/image-schemas.ts'
import type { CleanUpName } from '../image/clean-up/operations.ts'
import { followJob } from './follow-job.ts'
import { imagePath, type Shared, serviceOf, sharedCommand } from './image-service.ts'
import { cleanUpOption, type SourceOptions, sourceNames, sourceOf, sourceOptions } from './image-source-options.ts'
import { formatBytes, printJson } from './output.ts'

type Options = Shared &
  SourceOptions & {
    file?: string
    comment?: string
    cleanUp?: CleanUpName[]
    trust?: string[]
    resign?: boolean
    current: boolean
  }

export function importCommand(): Command {
  const command = sharedCommand('import [image]')
    .description('makes a new version of an image and lets `current` point to it')
    .addOption(
      new Option('--file <file>', "what 'image export' wrote; its image if none is named").conflicts([...sourceNames]),
    )
    .option('--comment <text>', 'kept with the version')
    .addOption(cleanUpOption())
    .option(
      '--trust <file...>',
      "with --file: public keys of the sites it may come from (their key directory's image.pub)",
    )
    .option('--resign', 'with --file: take it whoever signed it; this site signs for it from now on')
    .option('--no-current', 'with --file: leave the tag `current` where it is')
    .action(importImage)
  for (const option of sourceOptions()) command.addOption(option)
  return command
}

async function importImage(image: string | undefined, options: Options): Promise<void> {
  const version = await followJob<VersionSummary>(serviceOf(options), await requestOf(image, options))
  if (options.json) return printJson(version)
  const { id, entries, sizeBytes, storedBytes, tags } = version
  const size = `${entries} entries, ${formatBytes(sizeBytes)} (${formatBytes(storedBytes)} stored)`
  const tag = tags.includes('current') ? `; ${version.image}:current points to it` : ''
  process.stdout.write(`${version.image}@${id.slice(0, 12)}: ${size}${tag}\n`)
}

async function requestOf(image: string | undefined, options: Options) {
  if (options.file !== undefined) {
    const trust = await Promise.all((options.trust ?? []).map((file) => readFile(file, 'utf8')))
    const { resign = false, current } = options
    const body = { path: resolve(options.file), ...(image !== undefined && { image }), trust, resign, current }
    return { method: 'POST' as const, path: '/api/v1/image-archives', body }
  }
  if (image === undefined) throw new Error('name the image: bootwright image import NAME …')
  const body = {
    source: sourceOf(options),
    ...(options.comment !== undefined && { comment: options.comment }),
    ...(options.cleanUp && { cleanUp: options.cleanUp }),
  }
  return { method: 'POST' as const, path: `${imagePath(image)}/versions`, body }
}
