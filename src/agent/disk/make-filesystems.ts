import type { DeployOrder } from '../../core/order.ts'
import { runProgram } from '../../programs/run-program.ts'
import type { PartitionDevices } from './partition-disk.ts'

export type FilesystemType = DeployOrder['filesystem']

/** What was made, and how it is named wherever it is mounted. */
export type Filesystems = {
  root: { device: string; type: FilesystemType; uuid: string }
  /** `uuid` is FAT's volume id as blkid and fstab write it: `1A2B-3C4D`. */
  esp: { device: string; uuid: string }
}

const makeTimeoutMs = 300_000

/** Makes root and ESP with fresh identifiers. `newUuid` gives a random UUID. Throws ProgramFailed. */
export async function makeFilesystems(
  devices: Pick<PartitionDevices, 'root' | 'esp'>,
  type: FilesystemType,
  newUuid: () => string,
  signal: AbortSignal,
): Promise<Filesystems> {
  const rootUuid = newUuid()
  const volumeId = newUuid().slice(0, 8).toUpperCase()
  const [program, ...args] = rootCommand(type, devices.root, rootUuid)
  await runProgram(program, args, { timeoutMs: makeTimeoutMs, signal })
  await runProgram('mkfs.fat', ['-F', '32', '-n', 'ESP', '-i', volumeId, devices.esp], {
    timeoutMs: makeTimeoutMs,
    signal,
  })
  return {
    root: { device: devices.root, type, uuid: rootUuid },
    esp: { device: devices.esp, uuid: `${volumeId.slice(0, 4)}-${volumeId.slice(4)}` },
  }
}

/**
 * The program that makes the root filesystem. Features that GRUB 2.06 (Debian 12) cannot read are left out, because the
 * deployed image's GRUB may be older than the ramdisk's mkfs.
 */
export function rootCommand(type: FilesystemType, device: string, uuid: string): [string, ...string[]] {
  switch (type) {
    case 'ext4':
      return ['mkfs.ext4', '-F', '-q', '-L', 'root', '-U', uuid, '-O', '^metadata_csum_seed,^orphan_file', device]
    case 'btrfs':
      return ['mkfs.btrfs', '-f', '-q', '-L', 'root', '-U', uuid, device]
    case 'xfs':
      return ['mkfs.xfs', '-f', '-q', '-L', 'root', '-m', `uuid=${uuid}`, '-i', 'nrext64=0', device]
  }
}

/** Options while the image is written; the deployed system mounts by its own fstab. */
export const writingMountOptions = 'noatime'
