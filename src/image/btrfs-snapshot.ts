import { randomBytes } from 'node:crypto'
import { lstat, readdir, statfs } from 'node:fs/promises'
import path from 'node:path'
import { ProgramFailed, runProgram } from '../programs/run-program.ts'
import { PrivateMount } from './private-mount.ts'
import { isProcessRunning } from './process-running.ts'

const btrfsMagic = 0x9123683e
const subvolumeInode = 256n
const prefix = '.bootwright-snapshot.'
const deleteTimeoutMs = 600_000

export async function isOnBtrfs(directory: string): Promise<boolean> {
  return (await statfs(directory)).type === btrfsMagic
}

/** Whether a directory is the root of a btrfs subvolume. */
export async function isSubvolume(directory: string): Promise<boolean> {
  const { ino } = await lstat(directory, { bigint: true })
  return ino === subvolumeInode && (await isOnBtrfs(directory))
}

export async function isReadOnlySubvolume(directory: string): Promise<boolean> {
  return (await runProgram('btrfs', ['property', 'get', '-ts', directory, 'ro'])).trim() === 'ro=true'
}

/**
 * A read-only snapshot of a subvolume, as it is at this moment; disposing deletes it. What a killed process left is
 * deleted by the next snapshot in the same place.
 */
export class BtrfsSnapshot {
  readonly directory: string
  /** Where the snapshot had to be put, when that is not beside the subvolume. */
  readonly #mount: PrivateMount | undefined

  private constructor(directory: string, mount: PrivateMount | undefined) {
    this.directory = directory
    this.#mount = mount
  }

  /** Throws ProgramFailed. */
  static async take(subvolume: string): Promise<BtrfsSnapshot> {
    const real = path.resolve(subvolume)
    try {
      return new BtrfsSnapshot(await snapshotIn(path.dirname(real), real), undefined)
    } catch (error) {
      // A subvolume that is mounted has a parent directory on another filesystem.
      if (!(error instanceof ProgramFailed)) throw error
    }
    const device = (await runProgram('findmnt', ['-nvo', 'SOURCE', '--target', real])).trim()
    const mount = await PrivateMount.open(device, 'btrfs', 'subvolid=5')
    try {
      return new BtrfsSnapshot(await snapshotIn(mount.directory, real), mount)
    } catch (error) {
      await mount.close()
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await deleteSubvolume(this.directory)
    } finally {
      await this.#mount?.close()
    }
  }
}

async function snapshotIn(parent: string, subvolume: string): Promise<string> {
  await removeAbandoned(parent)
  const directory = path.join(parent, `${prefix}${process.pid}.${randomBytes(6).toString('hex')}`)
  await runProgram('btrfs', ['subvolume', 'snapshot', '-r', subvolume, directory])
  return directory
}

async function deleteSubvolume(directory: string): Promise<void> {
  await runProgram('btrfs', ['subvolume', 'delete', directory], { timeoutMs: deleteTimeoutMs })
}

async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix)) continue
    const pid = Number(name.slice(prefix.length).split('.')[0])
    if (Number.isInteger(pid) && pid > 0 && !isProcessRunning(pid)) {
      await deleteSubvolume(path.join(parent, name)).catch(() => undefined) // in the way of nothing
    }
  }
}
