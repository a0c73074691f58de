import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { VersionSummary } from '../api/image-schemas.ts'
import type { ImportSource } from '../api/import-source.ts'
import { DecodeError } from '../bytes/decode-error.ts'
import { parseCleanUp } from '../image/clean-up/choose-operations.ts'
import type { CleanUpName } from '../image/clean-up/operations.ts'
import { parseCount } from './deploy.ts'
import { followJob } from './follow-job.ts'
import { imagePath, type Shared, serviceOf, sharedCommand } from './image-service.ts'
import { formatBytes, printJson } from './output.ts'

const sources = ['recipe', 'tar', 'directory', 'lxc', 'btrfs', 'oci', 'disk', 'file'] as const
type SourceName = (typeof sources)[number]

type Options = Shared &
  Partial<Record<SourceName, string>> & {
    comment?: string
    cleanUp?: CleanUpName[]
    platform?: string
    ociReference?: string
    authFile?: string
    format?: string
    asFiles?: boolean
    partition?: number
    subvolume?: string
    consistency?: 'auto' | 'snapshot' | 'freeze' | 'stop'
    trust?: string[]
    resign?: boolean
    current: boolean
  }

export function importCommand(): Command {
  const source = (flags: string, description: string) => {
    const option = new Option(flags, description)
    return option.conflicts(sources.filter((name) => name !== option.attributeName()))
  }
  return sharedCommand('import [image]')
    .description('makes a new version of an image and lets `current` point to it')
    .addOption(source('--recipe <file>', 'build it from a recipe'))
    .addOption(source('--tar <file>', 'a tarball: plain, gz, xz, zstd or bz2'))
    .addOption(source('--directory <directory>', 'a directory tree, such as a chroot'))
    .addOption(source('--lxc <container>', 'an LXC container, by its name or directory; it may run'))
    .addOption(source('--btrfs <subvolume>', 'a btrfs subvolume or snapshot'))
    .addOption(source('--oci <image>', 'a container image: OCI layout or archive, or docker://REGISTRY/NAME:TAG'))
    .addOption(source('--disk <file>', 'a whole disk, bit by bit: raw, qcow2 or what else qemu-img reads'))
    .addOption(source('--file <file>', "what 'image export' wrote; its image if none is named"))
    .option('--comment <text>', 'kept with the version')
    .addOption(
      new Option(
        '--clean-up [operations]',
        "leave out what belongs to one machine: all where none is named, or ssh-hostkeys,logfiles, or all,-hostname ('image clean-up' lists them)",
      )
        .argParser(cleanUpArgument)
        .preset('all'),
    )
    .option('--platform <platform>', 'with --oci: which one, as linux/arm64')
    .option('--oci-reference <name>', 'with --oci: which image of a layout or archive that holds several')
    .option('--auth-file <file>', 'with --oci: credentials for registries')
    .option('--format <format>', 'with --disk: as qemu-img names it; give raw for a file that strangers made')
    .option('--as-files', 'with --disk: the files on it, in place of the whole disk')
    .option('--partition <number>', 'with --as-files: where the root is (it is looked for)', parseCount)
    .option('--subvolume <path>', 'with --as-files: of a btrfs, where the root is (it is looked for)')
    .addOption(
      new Option('--consistency <way>', 'with --lxc: how a running container is kept still meanwhile').choices([
        ...['auto', 'snapshot', 'freeze', 'stop'],
      ]),
    )
    .option(
      '--trust <file...>',
      "with --file: public keys of the sites it may come from (their key directory's image.pub)",
    )
    .option('--resign', 'with --file: take it whoever signed it; this site signs for it from now on')
    .option('--no-current', 'with --file: leave the tag `current` where it is')
    .action(importImage)
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

/** The service has another working directory than the shell that asked. */
function sourceOf(options: Options): ImportSource {
  for (const kind of ['recipe', 'tar', 'directory', 'btrfs'] as const) {
    const path = options[kind]
    if (path !== undefined) return { kind, path: resolve(path) }
  }
  const { lxc, oci, disk, consistency, platform, ociReference, authFile, format, partition, subvolume } = options
  if (lxc !== undefined) {
    return { kind: 'lxc', name: lxc.includes('/') ? resolve(lxc) : lxc, ...(consistency && { consistency }) }
  }
  if (disk !== undefined) {
    const opened = {
      opened: options.asFiles ?? false,
      ...(partition && { partition }),
      ...(subvolume && { subvolume }),
    }
    return { kind: 'disk', path: resolve(disk), ...(format && { format }), ...opened }
  }
  if (oci !== undefined) {
    return {
      ...{ kind: 'oci', name: absoluteOci(oci) },
      ...(platform && { platform }),
      ...(ociReference && { reference: ociReference }),
      ...(authFile && { authFile: resolve(authFile) }),
    }
  }
  throw new Error(`say what to import: ${sources.map((name) => `--${name}`).join(', ')}`)
}

/** `docker://…` stays; `oci:PATH`, `oci-archive:PATH:NAME` and plain paths become absolute. */
export function absoluteOci(text: string): string {
  if (/^[a-z-]+:\/\//.test(text) || /^(docker-daemon|containers-storage):/.test(text)) return text
  const [, transport = '', path = text] = /^((?:oci|oci-archive|docker-archive|dir):)(.*)$/.exec(text) ?? []
  return `${transport}${resolve(path)}`
}

function cleanUpArgument(text: string): CleanUpName[] {
  try {
    return parseCleanUp(text)
  } catch (error) {
    if (error instanceof DecodeError) throw new InvalidArgumentError(error.message)
    throw error
  }
}
