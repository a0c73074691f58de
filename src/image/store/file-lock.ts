import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { tryLockFile } from '../../linux/file-lock.ts'

/** Somebody else works on the repository for longer than was waited for. */
export class RepositoryBusy extends Error {
  override readonly name = 'RepositoryBusy'
  readonly lockFile: string

  constructor(lockFile: string, waitedMs: number) {
    const who = `another process works on the repository ('fuser ${lockFile}' names it)`
    super(`Cannot lock ${lockFile} within ${waitedMs / 1000} s: ${who}; try again when it has ended`)
    this.lockFile = lockFile
  }
}

const pollMs = 15

/**
 * A lock on a file, made where it is not there and never removed. It is given back when disposed, and by the kernel when
 * the process ends in any way. Throws RepositoryBusy.
 */
export async function lockFile(
  file: string,
  { kind, waitMs, signal }: { kind: 'shared' | 'exclusive'; waitMs: number; signal?: AbortSignal | undefined },
): Promise<AsyncDisposable> {
  const handle: FileHandle = await open(file, 'a+')
  try {
    const until = performance.now() + waitMs
    while (!tryLockFile(handle.fd, kind)) {
      if (performance.now() >= until) throw new RepositoryBusy(file, waitMs)
      await sleep(pollMs, undefined, { signal })
    }
  } catch (error) {
    await handle.close()
    throw error
  }
  return { [Symbol.asyncDispose]: () => handle.close() }
}
