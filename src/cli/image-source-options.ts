import { resolve } from 'node:path'
import { InvalidArgumentError, Option } from 'commander'
import type { ImportSource } from '../api/import-source.ts'
import { DecodeError } from '../bytes/decode-error.ts'
import { parseCleanUp } from '../image/clean-up/choose-operations.ts'
import type { CleanUpName } from '../image/clean-up/operations.ts'
import { parseCount } from './parse-count.ts'

export const sourceNames = ['recipe', 'tar', 'directory', 'lxc', 'btrfs', 'oci', 'disk'] as const
type SourceName = (typeof sourceNames)[number]

export type SourceOptions = Partial<Record<SourceName, string>> & {
  platform?: string
  ociReference?: string
  authFile?: string
  format?: string
  asFiles?: boolean
  partition?: number
  subvolume?: string
  consistency?: 'auto' | 'snapshot' | 'freeze' | 'stop'
}

/** What a version is made of; one of the kinds, and what belongs to it. */
export function sourceOptions(): Option[] {
  return [
    source('--recipe <file>', 'build it from a recipe'),
    source('--tar <file>', 'a tarball: plain, gz, xz, zstd or bz2'),
    source('--directory <directory>', 'a directory tree, such as a chroot'),
    source('--lxc <container>', 'an LXC container, by its name or directory; it may run'),
    source('--btrfs <subvolume>', 'a btrfs subvolume or snapshot'),
    source('--oci <image>', 'a container image: OCI layout or archive, or docker://REGISTRY/NAME:TAG'),
    source('--disk <file>', 'a whole disk, bit by bit: raw, qcow2 or what else qemu-img reads'),
    new Option('--platform <platform>', 'with --oci: which one, as linux/arm64'),
    new Option('--oci-reference <name>', 'with --oci: which image of a layout or archive that holds several'),
    new Option('--auth-file <file>', 'with --oci: credentials for registries'),
    new Option('--format <format>', 'with --disk: as qemu-img names it; give raw for a file that strangers made'),
    new Option('--as-files', 'with --disk: the files on it, in place of the whole disk'),
    new Option('--partition <number>', 'with --as-files: where the root is (it is looked for)').argParser(parseCount),
    new Option('--subvolume <path>', 'with --as-files: of a btrfs, where the root is (it is looked for)'),
    new Option('--consistency <way>', 'with --lxc: how a running container is kept still meanwhile').choices([
      ...['auto', 'snapshot', 'freeze', 'stop'],
    ]),
  ]
}

function source(flags: string, description: string): Option {
  const option = new Option(flags, description)
  return option.conflicts(sourceNames.filter((name) => name !== option.attributeName()))
}

export function cleanUpOption(): Option {
  return new Option(
    '--clean-up [operations]',
    "leave out what belongs to one machine: all where none is named, or ssh-hostkeys,logfiles, or all,-hostname ('image clean-up' lists them)",
  )
    .argParser(cleanUpArgument)
    .preset('all')
}

/** The service has another working directory than the shell that asked. */
export function sourceOf(options: SourceOptions): ImportSource {
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
  throw new Error(`say what to import: ${sourceNames.map((name) => `--${name}`).join(', ')}`)
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
