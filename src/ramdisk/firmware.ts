import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { runProgram } from '../programs/run-program.ts'
import { type DebianPackage, knownPackageNames, locatePackages, type PackageCache } from './debian-packages.ts'
import { moduleName } from './module-index.ts'
import { fileEntry } from './programs.ts'
import type { SegmentRecipe } from './segment.ts'

/**
 * Debian's packages with firmware that wired-network and storage drivers ask for. All but the first are in the section
 * non-free-firmware, which APT knows only where the administrator enabled it.
 */
const firmwarePackages = [
  'firmware-linux-free',
  'firmware-bnx2',
  'firmware-bnx2x',
  'firmware-cavium',
  'firmware-intel-misc',
  'firmware-mediatek',
  'firmware-misc-nonfree',
  'firmware-myricom',
  'firmware-netronome',
  'firmware-netxen',
  'firmware-qlogic',
  'firmware-realtek',
]

/** The firmware of the ramdisk's drivers, as far as the host's APT sources have it. */
export type Firmware = {
  recipe: SegmentRecipe
  /** Drivers some of whose firmware is in the archive: a machine with one of them gets it. */
  drivers: string[]
  /** Drivers that name firmware of which the APT sources have nothing. */
  missingDrivers: string[]
}

/** Those of the firmware packages that the host's APT sources have. */
export async function resolveFirmware(cache: PackageCache): Promise<DebianPackage[]> {
  const known = new Set(await knownPackageNames(cache, 'firmware-'))
  const names = firmwarePackages.filter((name) => known.has(name))
  return names.length === 0 ? [] : locatePackages(cache, names)
}

/**
 * @param modules files of the modules in the ramdisk
 * @param packages package name to the directory it is unpacked in
 */
export async function collectFirmware(
  modules: readonly string[],
  packages: ReadonlyMap<string, string>,
): Promise<Firmware> {
  const wanted = await readFirmwareNames(modules)
  const available = await indexFirmware(packages)
  const found = new Map<string, { file: string; package: string }>()
  const drivers = { having: new Set<string>(), missing: new Set<string>() }
  for (const [driver, names] of wanted) {
    const present = names.flatMap((name) => matching(name, available))
    for (const name of present) found.set(name, available.get(name)!)
    drivers[present.length > 0 ? 'having' : 'missing'].add(driver)
  }
  const recipe: SegmentRecipe = {
    name: 'firmware',
    inputs: [...found].map(([name, { file }]) => [name, file]).sort(),
    compress: 19,
    entries: () =>
      Promise.all(
        [...found].map(async ([name, each]) => ({
          entry: await fileEntry(`usr/lib/firmware/${name}`, each.file, 0o644),
          of: each.package,
        })),
      ),
  }
  return { recipe, drivers: [...drivers.having].sort(), missingDrivers: [...drivers.missing].sort() }
}

/** What `modinfo` tells of each module: name to the firmware files it may ask for. */
async function readFirmwareNames(modules: readonly string[]): Promise<Map<string, string[]>> {
  const wanted = new Map<string, string[]>()
  let driver = ''
  for (const line of (await runProgram('modinfo', [...modules])).split('\n')) {
    const [, field, value = ''] = /^(filename|firmware):\s+(\S+)/.exec(line) ?? []
    if (field === 'filename') driver = moduleName(value)
    if (field === 'firmware') wanted.set(driver, [...(wanted.get(driver) ?? []), value])
  }
  return wanted
}

/** Names in modinfo may be patterns: `iwlwifi-*.ucode`. */
function matching(name: string, available: ReadonlyMap<string, unknown>): string[] {
  if (!name.includes('*')) return available.has(name) ? [name] : []
  const pattern = new RegExp(`^${name.split('*').map(escapePattern).join('[^/]*')}$`)
  return [...available.keys()].filter((each) => pattern.test(each))
}

function escapePattern(text: string): string {
  return text.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
}

async function indexFirmware(
  packages: ReadonlyMap<string, string>,
): Promise<Map<string, { file: string; package: string }>> {
  const index = new Map<string, { file: string; package: string }>()
  for (const [name, directory] of packages) {
    for (const folder of ['lib/firmware', 'usr/lib/firmware']) {
      const root = join(directory, folder)
      for (const path of await readdir(root, { recursive: true }).catch(() => [])) {
        const file = await realpath(join(root, path)).catch(() => undefined) // a symlink into a package that is not there
        if (file && (await stat(file)).isFile()) index.set(path, { file, package: name })
      }
    }
  }
  return index
}
