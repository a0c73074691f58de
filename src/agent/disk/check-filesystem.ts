import type { FilesystemType } from '../../core/layout.ts'
import { runProgram } from '../../programs/run-program.ts'

const checkTimeoutMs = 600_000

/** Looks through all metadata of an unmounted filesystem and repairs nothing. Throws ProgramFailed when it is not sound. */
export async function checkFilesystem(device: string, type: FilesystemType, signal: AbortSignal): Promise<void> {
  const [program, ...args] = checkCommand(type, device)
  await runProgram(program, args, { timeoutMs: checkTimeoutMs, signal })
}

/** Each ends with 0 only where it found nothing; e2fsck without -f believes the superblock. */
function checkCommand(type: FilesystemType, device: string): [string, ...string[]] {
  switch (type) {
    case 'ext4':
      return ['e2fsck', '-f', '-n', device]
    case 'xfs':
      return ['xfs_repair', '-n', device]
    case 'btrfs':
      return ['btrfs', 'check', '--readonly', device]
  }
}
