import { rename } from 'node:fs/promises'
import path from 'node:path'
import { syncDirectory } from '../durable-file.ts'
import type { Repository } from '../repository.ts'
import { RepositoryHold } from '../store/repository-hold.ts'
import { withRepositoryLock } from '../store/repository-lock.ts'

/** Removes a directory of a repository: it is gone at once, its files go afterwards. Gives its name in the repository. */
export async function removeAside(repository: Repository, directory: string): Promise<string> {
  await using hold = await RepositoryHold.take(repository)
  await withRepositoryLock(repository, async () => {
    await rename(directory, path.join(hold.directory, 'removed')) // its files go with the hold
    await syncDirectory(path.dirname(directory))
  })
  return path.relative(repository.directory, directory)
}
