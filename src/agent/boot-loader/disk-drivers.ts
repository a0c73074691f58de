import { readFileSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** One of these modules must be in the initramfs, or the disk is not found: what a device, or the root's filesystem, needs. */
export type DriverNeed = { what: string; modules: string[] }

/** `bc06` is the class of PCI bridges: the kernel itself drives those. */
const pciBridge = /^pci:.*bc06/

/**
 * Modaliases of a disk and of what it hangs on, the disk first: `scsi:t-0x00`, `virtio:d00000008v00001AF4`,
 * `pci:v00001AF4d00001004…`. `disk` is `/dev/NAME`.
 */
export function readModaliases(disk: string, sysDirectory = '/sys'): string[] {
  const found: string[] = []
  let directory = realpathSync(join(sysDirectory, 'class/block', basename(disk)))
  const top = join(realpathSync(sysDirectory), 'devices')
  for (; directory.length > top.length; directory = dirname(directory)) {
    const modalias = readIfThere(join(directory, 'modalias'))?.trim()
    if (modalias && !pciBridge.test(modalias)) found.push(modalias)
  }
  return found
}

/**
 * What must be there, by the modules.alias and modules.builtin of the kernel that is to boot. A device that none of its
 * modules is for, or that one built into the kernel drives, needs none.
 */
export function neededDrivers(
  modaliases: readonly string[],
  { aliases, builtin }: { aliases: string; builtin: string },
): DriverNeed[] {
  const builtIn = moduleNames(builtin)
  const lines = [...aliases.matchAll(/^alias (\S+) (\S+)$/gm)].map(
    (match) => [match[1]!, moduleName(match[2]!)] as const,
  )
  return modaliases.flatMap((what) => {
    const modules = lines.filter(([pattern]) => matchesAlias(pattern, what)).map(([, name]) => name)
    return modules.length === 0 || modules.some((name) => builtIn.has(name)) ? [] : [{ what, modules }]
  })
}

/** Names of the modules in a list of paths, one a line, with or without compression. */
export function moduleNames(paths: string): Set<string> {
  return new Set([...paths.matchAll(/([^/\s]+)\.ko(?:\.\w+)?$/gm)].map((match) => moduleName(match[1]!)))
}

/** The kernel takes both for the same. */
function moduleName(text: string): string {
  return text.replaceAll('-', '_')
}

/** As fnmatch(3) does: `*`, `?` and `[…]`. */
function matchesAlias(pattern: string, modalias: string): boolean {
  const plain = pattern.search(/[*?[]/)
  if (plain < 0) return pattern === modalias
  if (!modalias.startsWith(pattern.slice(0, plain))) return false
  const expression = pattern
    .replace(/[.+^$(){}|\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${expression}$`).test(modalias)
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined // a directory on the way that is no device
  }
}
