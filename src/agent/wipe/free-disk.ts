import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Disk } from '../../core/inventory.ts'
import { readAttribute } from '../inventory/attribute.ts'

/** A disk that is in use is not wiped: what uses it would go on with what is no longer there. */
export class DiskInUse extends Error {
  override readonly name = 'DiskInUse'
  readonly device: string

  constructor(device: string, by: readonly string[]) {
    super(
      `Cannot wipe ${device}: it is in use by ${by.join(', ')}. Stop or unmount that on the machine, or restart it, and wipe again`,
    )
    this.device = device
  }
}

/** Throws DiskInUse for a disk that is mounted, or part of RAID, LVM, LUKS or multipath. */
export function refuseInUse(
  disk: Disk,
  sysRoot = '/sys',
  mountsFile = '/proc/self/mountinfo',
  swapsFile = '/proc/swaps',
): void {
  const parts = partsOf(disk, sysRoot)
  const numbers = new Set(parts.map(({ directory }) => readAttribute(join(directory, 'dev'))))
  const used = [
    ...parts.flatMap(({ directory }) => holdersOf(directory, sysRoot)),
    ...mountsOf(numbers, mountsFile),
    ...swapsOf(new Set(parts.map(({ name }) => `/dev/${name}`)), swapsFile),
  ]
  if (used.length > 0) throw new DiskInUse(disk.device, used)
}

/** The disk, by all its paths, and its partitions. */
function partsOf({ device, paths }: Disk, sysRoot: string): { name: string; directory: string }[] {
  return (paths ?? [device]).flatMap((path) => {
    const name = basename(path)
    const directory = join(sysRoot, 'block', name)
    const partitions = list(directory).filter((entry) => entry.startsWith(name))
    return [{ name, directory }, ...partitions.map((entry) => ({ name: entry, directory: join(directory, entry) }))]
  })
}

function holdersOf(directory: string, sysRoot: string): string[] {
  return list(join(directory, 'holders')).map((holder) => {
    const mapped = readAttribute(join(sysRoot, 'block', holder, 'dm/name'))
    return mapped === undefined ? `/dev/${holder}` : `${mapped} (/dev/${holder})`
  })
}

/** proc(5): the third field is major:minor, the fifth the mount point. */
function mountsOf(numbers: ReadonlySet<string | undefined>, mountsFile: string): string[] {
  return lines(mountsFile).flatMap((line) => {
    const [, , number, , place] = line.split(' ')
    return numbers.has(number) ? [`what is mounted on ${place}`] : []
  })
}

function swapsOf(devices: ReadonlySet<string>, swapsFile: string): string[] {
  return lines(swapsFile).flatMap((line) => {
    const device = line.split(/\s/)[0]!
    return devices.has(device) ? [`swap on ${device}`] : []
  })
}

function lines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean)
  } catch {
    return []
  }
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}
