import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { runProgram } from '../../programs/run-program.ts'
import type { Filesystems } from '../disk/filesystems.ts'
import { InsideRoot } from '../inside-root.ts'

const copyTimeoutMs = 600_000

/**
 * Subvolumes that outlive the versions (`/home`) begin with what the version has in their place, because that cannot be
 * seen any more once they are mounted. One that has anything in it is not touched. Gives the mount points that were filled.
 */
export async function fillPersistent(
  pool: string,
  rootDirectory: string,
  { root, others }: Filesystems,
  signal: AbortSignal,
): Promise<string[]> {
  const image = new InsideRoot(rootDirectory)
  const filled: string[] = []
  for (const other of others) {
    if (other.role !== 'data' || other.subvolume === undefined || other.device !== root.device) continue
    const subvolume = join(pool, other.subvolume)
    if (readdirSync(subvolume).length > 0 || !image.stat(other.mount)?.isDirectory()) continue
    const source = `${image.makeDirectory(other.mount)}/.`
    await runProgram('cp', ['--archive', '--reflink=auto', source, subvolume], { timeoutMs: copyTimeoutMs, signal })
    filled.push(other.mount)
  }
  return filled
}
