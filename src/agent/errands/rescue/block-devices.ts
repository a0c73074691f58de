import { basename } from 'node:path'
import type { Signature } from '../../../core/partition-table.ts'
import type { Mountable } from '../../../core/rescue.ts'
import { runProgram } from '../../../programs/run-program.ts'
import { readSignature } from '../../inventory/read-partition-table.ts'

const lsblkTimeoutMs = 60_000

/** A line of lsblk, which without udev knows nothing of what lies on a device. */
type ListedDevice = {
  path: string
  /** `disk`, `part`, `lvm`, `crypt`, `raid1`, `mpath`. */
  type: string
  size: number
  mountpoints: (string | null)[]
  /** Whose part it is. */
  pkname: string | null
}

/** A device that the kernel has. */
export type BlockDevice = {
  path: string
  type: string
  sizeBytes: number
  mountedAt?: string
  /** Nothing is made of it: what lies on it is for people. */
  isLeaf: boolean
  /** Of a leaf. */
  signature?: Signature
}

/** How each type is mounted so that not even its journal is written to. What is not named here is no filesystem for us. */
const readOnlyOptions: Readonly<Record<string, string>> = {
  ext2: 'ro',
  ext3: 'ro,noload',
  ext4: 'ro,noload',
  xfs: 'ro,norecovery,nouuid',
  btrfs: 'ro,rescue=nologreplay',
  f2fs: 'ro,norecovery',
  vfat: 'ro',
  exfat: 'ro',
  ntfs: 'ro',
  hfsplus: 'ro',
  iso9660: 'ro',
  jfs: 'ro',
  reiserfs: 'ro',
  squashfs: 'ro',
  udf: 'ro',
}

/** A device that cannot be read is told, and is there without what lies on it. */
export async function readBlockDevices(onTrouble: (sentence: string) => void): Promise<BlockDevice[]> {
  const columns = 'PATH,TYPE,SIZE,MOUNTPOINTS,PKNAME'
  const args = ['--json', '--bytes', '--list', '--paths', '--output', columns]
  const text = await runProgram('lsblk', args, { timeoutMs: lsblkTimeoutMs })
  const devices = parseBlockDevices((JSON.parse(text) as { blockdevices: ListedDevice[] }).blockdevices)
  return Promise.all(
    devices.map(async (device) => {
      if (!device.isLeaf) return device
      const signature = await readSignature(device.path).catch((error: Error) => onTrouble(error.message))
      return { ...device, ...(signature && { signature }) }
    }),
  )
}

/** A device of several parents stands in the list once for each of them. */
export function parseBlockDevices(listed: readonly ListedDevice[]): BlockDevice[] {
  const parents = new Set(listed.map(({ pkname }) => pkname))
  const devices = new Map<string, BlockDevice>()
  for (const { path, type, size, mountpoints } of listed) {
    const mountedAt = mountpoints.find((place) => place !== null)
    const isLeaf = !parents.has(path)
    devices.set(path, { path, type, sizeBytes: size, isLeaf, ...(mountedAt !== undefined && { mountedAt }) })
  }
  return [...devices.values()]
}

/** What can be mounted: filesystems that are part of nothing else, each once however many devices it has. */
export function mountableOf(devices: readonly BlockDevice[]): Mountable[] {
  const seen = new Set<string>()
  return devices.flatMap(({ path, sizeBytes, signature }) => {
    if (signature === undefined || !(signature.type in readOnlyOptions)) return []
    const { type, label, uuid } = signature
    const name = type === 'btrfs' && uuid !== undefined ? uuid : path
    if (seen.has(name)) return []
    seen.add(name)
    const directory = `/mnt/${basename(path)}`
    return { device: path, type, sizeBytes, directory, ...(label !== undefined && { label }) }
  })
}

/** Encrypted, and not opened. */
export function lockedOf(devices: readonly BlockDevice[]): string[] {
  return devices.filter(({ signature }) => signature?.type === 'crypto_LUKS').map(({ path }) => path)
}

export function arraysOf(devices: readonly BlockDevice[]): string[] {
  return devices.filter(({ type }) => type.startsWith('raid')).map(({ path }) => path)
}

/** For `mount -o`. */
export function readOnly(type: string): string {
  return readOnlyOptions[type] ?? 'ro'
}
