import type { FilesystemType } from '../../core/layout.ts'
import { runProgram } from '../../programs/run-program.ts'

const timeoutMs = 600_000

/**
 * Gives a written, unmounted volume a UUID of its own, because every machine of the version has the same blocks. Only what
 * names the filesystem changes, its metadata keep the old one: the volume of an ext4 has its checksum seed, XFS and btrfs
 * keep the old UUID beside the new. Throws ProgramFailed.
 */
export async function renewUuid(
  device: string,
  type: FilesystemType,
  uuid: string,
  signal?: AbortSignal,
): Promise<void> {
  const [program, ...args] = renewCommand(device, type, uuid)
  await runProgram(program, args, { timeoutMs, signal })
}

function renewCommand(device: string, type: FilesystemType, uuid: string): [string, ...string[]] {
  switch (type) {
    case 'ext4':
      return ['tune2fs', '-U', uuid, device]
    case 'xfs':
      return ['xfs_db', '-x', '-p', 'xfs_admin', '-c', `uuid ${uuid}`, device] // what xfs_admin, a shell script, does
    case 'btrfs':
      return ['btrfstune', '-M', uuid, device]
  }
}

/**
 * Grows a filesystem to the end of its device: ext4 before it is mounted, XFS and btrfs when `mount` has mounted it, which it is
 * at the end in any case. Throws ProgramFailed, and what `mount` throws.
 */
export async function growAndMount(
  device: string,
  type: FilesystemType,
  mount: { directory: string; open: () => Promise<void> },
  signal?: AbortSignal,
): Promise<void> {
  // By force, because nobody has run e2fsck here: every block of it was compared with what was checked when it was made.
  if (type === 'ext4') await runProgram('resize2fs', ['-f', device], { timeoutMs, signal })
  await mount.open()
  if (type === 'xfs') await runProgram('xfs_growfs', [mount.directory], { timeoutMs, signal })
  if (type === 'btrfs') {
    await runProgram('btrfs', ['filesystem', 'resize', 'max', mount.directory], { timeoutMs, signal })
  }
}
