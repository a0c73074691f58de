import { ImportSession } from '../import-session.ts'
import { type Repository, readSignatures } from '../repository.ts'
import type { BlockMap } from './block-map.ts'
import { makeBtrfsStream } from './make-btrfs.ts'
import { makeDiskMap } from './make-disk.ts'
import { makeVolume } from './make-volume.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { publishRendition } from './publish-rendition.ts'
import { RenditionImpossible } from './rendition-impossible.ts'
import { formatRenditionName, type RenditionRequest } from './rendition-name.ts'
import type { RenditionOptions, RenditionWork } from './rendition-options.ts'
import { StoredChunks } from './stored-chunks.ts'
import { readRendition, type StoredRendition } from './stored-rendition.ts'

/**
 * A rendition of a version: the one that is there, or made now from its tree. The version keeps its identity; chunks go
 * into the same packs. Throws RenditionImpossible, ProgramFailed, ChunkMissing, StoredChunkInvalid.
 */
export async function ensureRendition(
  repository: Repository,
  versionId: string,
  request: RenditionRequest,
  options: RenditionOptions,
): Promise<StoredRendition> {
  const key = [repository.directory, versionId, formatRenditionName(request)].join('\0')
  return oneAtATime(key, () => ensure(repository, versionId, request, options))
}

async function ensure(
  repository: Repository,
  versionId: string,
  request: RenditionRequest,
  options: RenditionOptions,
): Promise<StoredRendition> {
  const rendition = formatRenditionName(request)
  const existing = await readRendition(repository, versionId, rendition)
  if (existing) return existing
  if ((await readSignatures(repository, versionId)).length === 0) {
    throw new RenditionImpossible(versionId, rendition, 'the repository has no such version')
  }
  await using session = await ImportSession.begin(repository)
  await using stored = new StoredChunks(repository, session.index)
  const { blocks, parent } = await make({ repository, session, stored, versionId, rendition, options }, request)
  options.signal?.throwIfAborted()
  await publishRendition(session, { version: versionId, rendition, parent }, blocks, options.signingKey)
  return (await readRendition(repository, versionId, rendition))!
}

async function make(
  work: RenditionWork,
  request: RenditionRequest,
): Promise<{ blocks: BlockMap; parent?: string | undefined }> {
  switch (request.name) {
    case 'disk':
      return { blocks: await makeDiskMap(work.repository, work.versionId) }
    case 'btrfs':
      return { blocks: await makeBtrfsStream(work, request.parent), parent: request.parent }
    case 'volume':
      return makeVolume(work, request.filesystem)
  }
}
