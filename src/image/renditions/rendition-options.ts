import type { KeyObject } from 'node:crypto'
import type { ImportSession } from '../import-session.ts'
import { type Repository, readSignatures } from '../repository.ts'
import { decodeStatement } from '../statement.ts'
import type { StoredChunks } from './stored-chunks.ts'

/** What is being done, and how far it is; bytes of content. */
export type RenditionProgress = { step: string; bytesDone: number; bytesTotal: number }

export type RenditionOptions = {
  signingKey: { privateKey: KeyObject }
  /**
   * The version onto whose volume this one is laid, or whose subvolume this one's starts as. Where it is not given, the
   * nearest ancestor that has one; `null`: from scratch.
   */
  parent?: string | null | undefined
  /** Where subvolumes are kept, on a btrfs; in a file of the repository where it is not given. */
  btrfsDirectory?: string | undefined
  onProgress?: ((progress: RenditionProgress) => void) | undefined
  signal?: AbortSignal | undefined
}

/** What everything that makes a rendition has at hand. `directory` is for files that go when it is made. */
export type RenditionWork = {
  repository: Repository
  session: ImportSession
  stored: StoredChunks
  versionId: string
  rendition: string
  options: RenditionOptions
}

/** The version itself is not among them; nearest first. A version may be a member of several images. */
export async function ancestorsOf(repository: Repository, versionId: string): Promise<string[]> {
  const ancestors = new Set<string>()
  const waiting = [versionId]
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    for (const { statement } of await readSignatures(repository, next)) {
      const { parent } = decodeStatement(statement)
      if (parent === undefined || parent === versionId || ancestors.has(parent)) continue
      ancestors.add(parent)
      waiting.push(parent)
    }
  }
  return [...ancestors]
}
