import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import type { ImageSummary, ImportLine, VersionSummary } from '../api/image-routes.ts'
import { openClient, ServiceError } from './client.ts'
import { dataOption, jsonOption, socketPathOf } from './data-directory.ts'
import { formatBytes, printJson, printTable } from './output.ts'
import { ProgressBar } from './progress-bar.ts'
import { publishCommands } from './publish.ts'

type Shared = { data: string; json?: boolean }

export function imageCommand(): Command {
  const command = new Command('image').description('images, their versions and tags')
  command
    .command('import <image>')
    .description('makes a new version of an image and lets `current` point to it')
    .addOption(new Option('--recipe <file>', 'build it from a recipe').conflicts(['tar', 'directory']))
    .addOption(new Option('--tar <file>', 'a tarball: plain, gz, xz, zstd or bz2').conflicts(['recipe', 'directory']))
    .addOption(new Option('--directory <directory>', 'a directory tree, such as a chroot').conflicts(['recipe', 'tar']))
    .option('--comment <text>', 'kept with the version')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(importImage)
  command
    .command('list')
    .description('all images with their tags')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(listImages)
  command
    .command('show <image>')
    .description('the versions of one image, newest first')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(showImage)
  for (const each of publishCommands()) command.addCommand(each.copyInheritedSettings(command))
  return command
}

type ImportOptions = Shared & { recipe?: string; tar?: string; directory?: string; comment?: string }

async function importImage(image: string, options: ImportOptions): Promise<void> {
  const source = sourceOf(options)
  const bar = new ProgressBar()
  let version: VersionSummary | undefined
  const lines = clientOf(options).lines<ImportLine>('POST', `/api/v1/images/${encodeURIComponent(image)}/versions`, {
    source,
    ...(options.comment && { comment: options.comment }),
  })
  for await (const line of lines) {
    if (line.kind === 'progress') bar.update(line.label, line.done, line.total)
    else if (line.kind === 'version') version = line.version
    else throw new ServiceError(line.problem.detail, line.problem.status)
  }
  bar.clear()
  if (!version) throw new ServiceError('the service went away in the middle of the import; nothing of it was kept')
  if (options.json) return printJson(version)
  process.stdout.write(
    `${image}@${version.id.slice(0, 12)}: ${version.entries} entries, ${formatBytes(version.sizeBytes)} (${formatBytes(version.storedBytes)} stored); ${image}:current points to it\n`,
  )
}

function sourceOf(options: ImportOptions): { kind: 'recipe' | 'tar' | 'directory'; path: string } {
  for (const kind of ['recipe', 'tar', 'directory'] as const) {
    const path = options[kind]
    // The service has another working directory than the shell that asked.
    if (path !== undefined) return { kind, path: resolve(path) }
  }
  throw new Error('say what to import: --recipe FILE, --tar FILE or --directory DIRECTORY')
}

async function listImages(options: Shared): Promise<void> {
  const { images } = await clientOf(options).request<{ images: ImageSummary[] }>('GET', '/api/v1/images/')
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
  const path = `/api/v1/images/${encodeURIComponent(name)}`
  const image = await clientOf(options).request<{ tags: Record<string, string>; versions: VersionSummary[] }>(
    'GET',
    path,
  )
  if (options.json) return printJson(image)
  printTable(
    ['VERSION', 'MADE', 'SIZE', 'STORED', 'ENTRIES', 'TAGS', 'COMMENT'],
    image.versions.map((version) => [
      version.id.slice(0, 12),
      new Date(version.createdAt).toISOString(),
      formatBytes(version.sizeBytes),
      formatBytes(version.storedBytes),
      String(version.entries),
      Object.entries(image.tags)
        .filter(([, id]) => id === version.id)
        .map(([tag]) => tag)
        .join(' '),
      version.comment ?? '',
    ]),
  )
}

function clientOf(options: Shared) {
  return openClient({ socketPath: socketPathOf(options.data) })
}
