import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rename, rmdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { runProgram } from '../../programs/run-program.ts'
import { isOnBtrfs } from '../btrfs-snapshot.ts'
import { isId } from '../repository-layout.ts'
import { LoopMount } from './loop-mount.ts'
import { RenditionImpossible } from './rendition-impossible.ts'
import type { RenditionWork } from './rendition-options.ts'

/** Of the file in which subvolumes are kept; it is sparse, and takes on the disk only what is in it. */
const poolBytes = 2 ** 40

/**
 * Read-only subvolumes VERSION/VERSION on a btrfs: a directory of the operator's, or a file
 * of the repository. It is a cache: what is lost is received again from a stored stream, with the same identity.
 */
export class BtrfsPool {
  readonly directory: string
  readonly #mount: LoopMount | undefined

  private constructor(directory: string, mount: LoopMount | undefined) {
    this.directory = directory
    this.#mount = mount
  }

  /** Throws RenditionImpossible, ProgramFailed. */
  static async open(work: RenditionWork): Promise<BtrfsPool> {
    const { repository, options, versionId, rendition } = work
    if (options.btrfsDirectory !== undefined) {
      if (!(await isOnBtrfs(options.btrfsDirectory))) {
        throw new RenditionImpossible(versionId, rendition, `${options.btrfsDirectory} is not on a btrfs`)
      }
      return new BtrfsPool(options.btrfsDirectory, undefined)
    }
    const file = path.join(repository.directory, 'btrfs', 'pool.img')
    await makePoolFile(file)
    // A second mount of the same file shares the loop device and the filesystem of the first.
    const mount = await LoopMount.open(file, 'btrfs', 'compress=zstd:3,discard=async')
    const pool = new BtrfsPool(mount.directory, mount)
    await pool.#removeForgotten(new Set(await readdir(path.join(repository.directory, 'versions'))))
    return pool
  }

  path(versionId: string): string {
    return path.join(this.directory, versionId, versionId)
  }

  async has(versionId: string): Promise<boolean> {
    return stat(this.path(versionId)).then(
      () => true,
      () => false,
    )
  }

  /** A directory for one subvolume. A read-only subvolume cannot be moved, but the directory it is in can. */
  async makeDirectory(): Promise<string> {
    const directory = path.join(this.directory, `.making.${process.pid}.${randomBytes(6).toString('hex')}`)
    await mkdir(directory, { mode: 0o700 })
    return directory
  }

  /** A new subvolume, which can be written, of what the parent's holds. */
  async create(subvolume: string, parent: string | undefined): Promise<void> {
    if (parent === undefined) await runProgram('btrfs', ['subvolume', 'create', subvolume])
    else await runProgram('btrfs', ['subvolume', 'snapshot', this.path(parent), subvolume])
  }

  async makeReadOnly(subvolume: string): Promise<void> {
    await runProgram('btrfs', ['property', 'set', '-ts', subvolume, 'ro', 'true'])
  }

  /** Gives the directory in which a version's subvolume is whole its name. One that is there already stays. */
  async place(directory: string, versionId: string): Promise<void> {
    if (await this.has(versionId)) await this.discard(directory)
    else await rename(directory, path.join(this.directory, versionId))
  }

  /** Removes a directory and the subvolume in it. */
  async discard(directory: string): Promise<void> {
    for (const name of await readdir(directory)) {
      await runProgram('btrfs', ['subvolume', 'delete', path.join(directory, name)])
    }
    await rmdir(directory)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#mount?.close()
  }

  /** Subvolumes of versions that the repository has no more. Those of an operator's directory are the operator's. */
  async #removeForgotten(versions: ReadonlySet<string>): Promise<void> {
    for (const name of await readdir(this.directory)) {
      if (isId(name) && !versions.has(name)) await this.discard(path.join(this.directory, name))
    }
  }
}

async function makePoolFile(file: string): Promise<void> {
  if ((await stat(file).catch(() => undefined)) !== undefined) return
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
  const aside = `${file}.${process.pid}.${randomBytes(6).toString('hex')}`
  const handle = await open(aside, 'wx', 0o600)
  await handle.truncate(poolBytes)
  await handle.close()
  await runProgram('mkfs.btrfs', ['-q', '-m', 'single', aside])
  await rename(aside, file)
}
