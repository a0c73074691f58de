import { type Command, InvalidArgumentError } from 'commander'
import type { Retention, RetentionVerdict, TagMove, VersionSummary } from '../api/image-schemas.ts'
import { findVersion, imagePath, type Shared, serviceOf, sharedCommand } from './image-service.ts'
import { printJson, printTable } from './output.ts'
import { parseCount } from './parse-count.ts'

export function tagCommands(): Command[] {
  return [
    sharedCommand('tag <version> <tag>')
      .description('lets a tag point to a version (NAME, NAME:TAG or NAME@VERSION)')
      .action(setTag),
    sharedCommand('untag <image> <tag>').description('removes a tag; the version stays').action(removeTag),
    sharedCommand('rollback <image>')
      .description('lets `current` point to `previous`, and `previous` to what was current')
      .option('--to <version>', 'to this version instead (NAME:TAG or NAME@VERSION)')
      .action(rollback),
    sharedCommand('remove <version>')
      .description('removes a version (NAME:TAG or NAME@VERSION); refused while it is tagged or on a machine')
      .option('--force', 'its tags go with it')
      .action(removeVersion),
    sharedCommand('retention <image>')
      .description('which versions a prune keeps, and why; with --keep, from now on')
      .option('--keep <count>', 'the newest so many, or all; those tagged or on machines stay besides', parseKeep)
      .action(retention),
  ]
}

async function setTag(reference: string, tag: string, options: Shared): Promise<void> {
  const client = serviceOf(options)
  const { image, id } = await findVersion(client, reference)
  const path = `${imagePath(image)}/tags/${encodeURIComponent(tag)}`
  printMove(await client.request<TagMove>('PUT', path, { version: id }), options)
}

async function removeTag(image: string, tag: string, options: Shared): Promise<void> {
  await serviceOf(options).request('DELETE', `${imagePath(image)}/tags/${encodeURIComponent(tag)}`)
  if (options.json) printJson({ image, tag })
  else process.stdout.write(`${image} has no tag ${tag} any more\n`)
}

async function rollback(image: string, options: Shared & { to?: string }): Promise<void> {
  const body = options.to === undefined ? {} : { to: options.to }
  printMove(await serviceOf(options).request<TagMove>('POST', `${imagePath(image)}/rollback`, body), options)
}

function printMove(move: TagMove, options: Shared): void {
  const before = move.from === null ? 'is new' : `was ${move.from.slice(0, 12)}`
  if (options.json) printJson(move)
  else process.stdout.write(`${move.image}:${move.tag} points to ${move.to.slice(0, 12)} (it ${before})\n`)
}

async function removeVersion(reference: string, options: Shared & { force?: boolean }): Promise<void> {
  const client = serviceOf(options)
  const { path } = await findVersion(client, reference)
  const removed = await client.request<VersionSummary>('DELETE', options.force ? `${path}?force=true` : path)
  if (options.json) return printJson(removed)
  const name = `${removed.image}@${removed.id.slice(0, 12)}`
  process.stdout.write(`${name} is removed; 'bootwright image prune' frees what it alone needed\n`)
}

async function retention(image: string, options: Shared & { keep?: number | 'all' }): Promise<void> {
  const client = serviceOf(options)
  const path = `${imagePath(image)}/retention`
  if (options.keep !== undefined) {
    await client.request('PUT', path, { keepNewest: options.keep === 'all' ? null : options.keep })
  }
  const said = await client.request<{ retention: Retention; versions: RetentionVerdict[] }>('GET', path)
  if (options.json) return printJson(said)
  printVerdicts(said.versions)
}

export function printVerdicts(verdicts: readonly RetentionVerdict[]): void {
  printTable(
    ['IMAGE', 'VERSION', 'STAYS', 'BECAUSE OF'],
    verdicts.map(({ image, version, because }) => [
      image,
      version.slice(0, 12),
      because.length > 0 ? 'yes' : 'no',
      because.join(', '),
    ]),
  )
}

function parseKeep(text: string): number | 'all' {
  try {
    return text === 'all' ? 'all' : parseCount(text)
  } catch {
    throw new InvalidArgumentError('it is a whole number above 0, or all')
  }
}
