import path from 'node:path'
import type { Repository } from '../repository.ts'
import { lockFile } from './file-lock.ts'

/** What is done under the lock takes milliseconds; whoever has it longer is stuck. */
const waitMs = 60_000

/**
 * Runs what changes which versions, tags and packs a repository has, as one step for every other process: publishing,
 * removing a version, moving tags that must agree, condemning and deleting packs. Keep it short, and do not call it from
 * within itself. Throws RepositoryBusy. docs/adr/0003-pruning.md has the protocol.
 */
export async function withRepositoryLock<Result>(
  repository: Repository,
  action: () => Promise<Result>,
): Promise<Result> {
  await using _ = await lockFile(path.join(repository.directory, 'lock'), { kind: 'exclusive', waitMs })
  return await action()
}

/**
 * Taken for the whole of a verify (shared), prune or repair (exclusive): two of them would count each other's files.
 * Imports and deployments go on meanwhile. Throws RepositoryBusy.
 */
export function lockUpkeep(
  repository: Repository,
  kind: 'shared' | 'exclusive',
  signal?: AbortSignal,
): Promise<AsyncDisposable> {
  return lockFile(path.join(repository.directory, 'upkeep.lock'), { kind, waitMs: 5000, signal })
}
