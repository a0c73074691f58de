import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { access, type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import path from 'node:path'
import { tryLockFile } from '../../linux/file-lock.ts'
import { makeDirectoryDurably } from '../durable-file.ts'
import type { Repository } from '../repository.ts'
import { onStorage } from '../storage-fault.ts'

/** In each staging directory; locked for as long as its owner lives. */
const heldFile = 'held'

/**
 * Says to every other process that what the repository has now is in use: no pack is deleted that could be used when the
 * hold was taken. It has a directory of its own to work in, which goes with it. That of a killed process is recognised by
 * its free lock, also on another machine or in a container, and removed by the next who looks.
 */
export class RepositoryHold {
  readonly name: string
  readonly directory: string
  readonly #handle: FileHandle

  private constructor(name: string, directory: string, handle: FileHandle) {
    this.name = name
    this.directory = directory
    this.#handle = handle
  }

  static async take(repository: Repository): Promise<RepositoryHold> {
    const staging = stagingOf(repository)
    for (;;) {
      const name = `${encodeURIComponent(hostname())}.${process.pid}.${randomBytes(6).toString('hex')}`
      const directory = path.join(staging, name)
      const handle = await onStorage(directory, async () => {
        await makeDirectoryDurably(staging)
        await mkdir(directory)
        return holdDirectory(directory)
      })
      if (handle) return new RepositoryHold(name, directory, handle)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The lock last: a directory that nobody holds is anybody's to remove.
    await removeDirectory(this.directory)
    await this.#handle.close()
  }
}

/** Names of the holds whose owners live. What others left behind is removed. */
export async function listHolds(repository: Repository): Promise<string[]> {
  const staging = stagingOf(repository)
  const live: string[] = []
  for (const name of await readdir(staging)) {
    if (!(await removeIfAbandoned(path.join(staging, name)))) live.push(name)
  }
  return live
}

/** Undefined where somebody took the new directory, not held yet, for an abandoned one. */
async function holdDirectory(directory: string): Promise<FileHandle | undefined> {
  const file = path.join(directory, heldFile)
  let handle: FileHandle | undefined
  try {
    handle = await open(file, 'wx')
    if (tryLockFile(handle.fd, 'exclusive')) {
      await access(file) // it may be locked now because its remover has finished
      return handle
    }
  } catch (error) {
    if (!['EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
  await handle?.close()
  return undefined
}

async function removeIfAbandoned(directory: string): Promise<boolean> {
  let handle: FileHandle
  try {
    handle = await open(path.join(directory, heldFile), constants.O_RDWR | constants.O_CREAT, 0o644)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return true
    if (code === 'ENOTDIR') return await rm(directory, { force: true }).then(() => true)
    // Another user's, or no room to find out: it counts as held.
    return false
  }
  try {
    if (!tryLockFile(handle.fd, 'exclusive')) return false
    await removeDirectory(directory)
    return true
  } finally {
    await handle.close()
  }
}

/** Who looks at it just now makes its `held` file again, and removes it as well: then it is not empty for a moment. */
async function removeDirectory(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 10 })
}

function stagingOf(repository: Repository): string {
  return path.join(repository.directory, 'staging')
}
