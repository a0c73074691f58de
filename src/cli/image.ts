import { Command } from 'commander'
import type { ImageDetails, ImageSummary } from '../api/image-schemas.ts'
import { printable } from '../bytes/printable.ts'
import { cleanUpCommand } from './image-clean-up.ts'
import { diffCommand } from './image-diff.ts'
import { exportCommand } from './image-export.ts'
import { importCommand } from './image-import.ts'
import { rebuildCommand } from './image-rebuild.ts'
import { renditionCommands } from './image-renditions.ts'
import { sbomCommand } from './image-sbom.ts'
import { imagePath, type Shared, serviceOf, sharedCommand } from './image-service.ts'
import { tagCommands } from './image-tags.ts'
import { tryCommand } from './image-try.ts'
import { upkeepCommands } from './image-upkeep.ts'
import { formatBytes, printJson, printTable } from './output.ts'
import { publishCommands } from './publish.ts'

export function imageCommand(): Command {
  const command = new Command('image').description('images, their versions and tags')
  const commands = [
    importCommand(),
    sharedCommand('list').description('all images with their tags').action(listImages),
    sharedCommand('show <image>').description('the versions of one image, newest first').action(showImage),
    cleanUpCommand(),
    rebuildCommand(),
    tryCommand(),
    ...tagCommands(),
    diffCommand(),
    sbomCommand(),
    exportCommand(),
    ...renditionCommands(),
    ...upkeepCommands(),
    ...publishCommands(),
  ]
  for (const each of commands) command.addCommand(each)
  return command
}

async function listImages(options: Shared): Promise<void> {
  const { images } = await serviceOf(options).request<{ images: ImageSummary[] }>('GET', '/api/v1/images/')
  if (options.json) return printJson(images)
  if (images.length === 0) return void process.stdout.write("no images yet; 'bootwright image import' makes one\n")
  printTable(
    ['IMAGE', 'VERSIONS', 'TAGS'],
    images.map((image) => [
      image.name,
      String(image.versions),
      Object.entries(image.tags)
        .map(([tag, id]) => `${tag}=${id.slice(0, 12)}`)
        .join(' '),
    ]),
  )
}

async function showImage(name: string, options: Shared): Promise<void> {
  const image = await serviceOf(options).request<ImageDetails>('GET', imagePath(name))
  if (options.json) return printJson(image)
  printTable(
    ['VERSION', 'MADE', 'SIZE', 'STORED', 'ENTRIES', 'FROM', 'TAGS', 'COMMENT'],
    image.versions.map((version) => [
      version.id.slice(0, 12),
      new Date(version.createdAt).toISOString(),
      formatBytes(version.sizeBytes),
      formatBytes(version.storedBytes),
      String(version.entries),
      version.recipeHash === undefined ? (version.source?.kind ?? '') : 'recipe',
      version.tags.join(' '),
      printable(version.comment ?? ''),
    ]),
  )
  const { keepNewest } = image.retention
  const policy =
    keepNewest === null
      ? 'all versions are kept'
      : `a prune keeps the newest ${keepNewest}, and those tagged or on machines`
  process.stdout.write(`\n${policy}\n`)
}
