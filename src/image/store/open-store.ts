import { stat } from 'node:fs/promises'
import path from 'node:path'
import type { Repository } from '../repository.ts'
import { type ReadStore, StoreUnreachable } from './chunk-store.ts'
import { DirectoryStore } from './directory-store.ts'
import { HttpStore } from './http-store.ts'
import { TreeStore } from './tree-store.ts'

/**
 * What `--repair-from` names: a server's URL, the directory of a repository, or one that holds a version's files. The
 * last is read by the manifests of `repository`. Throws StoreUnreachable.
 */
export async function openReadStore(place: string, repository: Repository): Promise<ReadStore> {
  if (/^https?:\/\//i.test(place)) {
    if (URL.canParse(place)) return new HttpStore(place)
    throw new StoreUnreachable(place, 'it is no URL')
  }
  const directory = path.resolve(place)
  if (!(await isDirectory(directory))) throw new StoreUnreachable(place, 'there is no such directory')
  const parts = await Promise.all(['packs', 'versions'].map((name) => isDirectory(path.join(directory, name))))
  return parts.every(Boolean) ? new DirectoryStore({ directory }) : new TreeStore(directory, repository)
}

function isDirectory(directory: string): Promise<boolean> {
  return stat(directory).then(
    (stats) => stats.isDirectory(),
    () => false,
  )
}
