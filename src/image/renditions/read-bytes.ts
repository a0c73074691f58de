import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { decodeLocations } from '../locations.ts'
import { type ChunkLocation, chunkKey } from '../pack-index.ts'
import type { Repository } from '../repository.ts'
import { RepositoryHold } from '../store/repository-hold.ts'
import { rowBytesOf } from './block-map.ts'
import { StoredChunks } from './stored-chunks.ts'
import type { StoredRendition } from './stored-rendition.ts'

const rowsAhead = 4

/**
 * All bytes of a rendition, from the first to the last, each chunk checked against its id; blocks nobody cares about are
 * zeros. Throws ChunkMissing, StoredChunkInvalid, DecodeError.
 */
export async function* readRenditionBytes(repository: Repository, rendition: StoredRendition): AsyncGenerator<Buffer> {
  const { blocks } = rendition
  await using _ = await RepositoryHold.take(repository) // a pack may be rearranged, not deleted, while this reads
  await using stored = new StoredChunks(repository, await readLocations(rendition))
  const readRow = async (row: number): Promise<Buffer> => {
    const chunk = blocks.chunkOfRow[row]!
    return chunk < 0 ? Buffer.alloc(rowBytesOf(blocks.sizeBytes, row)) : stored.read(blocks.chunks, chunk)
  }
  const ahead: Promise<Buffer>[] = []
  for (let row = 0; row < blocks.used.length || ahead.length > 0; row++) {
    if (row < blocks.used.length) {
      const next = readRow(row)
      next.catch(() => undefined) // met when its turn comes
      ahead.push(next)
    }
    if (ahead.length > rowsAhead || row >= blocks.used.length) yield await ahead.shift()!
  }
}

async function readLocations({ directory, statement, blocks }: StoredRendition): Promise<Map<string, ChunkLocation>> {
  const bytes = await readFile(path.join(directory, 'locations'))
  const index = new Map<string, ChunkLocation>()
  for (const { packId, chunks } of decodeLocations(bytes, statement.manifest, blocks.chunks)) {
    for (const { row, ...place } of chunks) {
      const id = blocks.chunks.ids.subarray(row * 32, row * 32 + 32)
      index.set(chunkKey(id), { id, packId, ...place, sizeBytes: blocks.chunks.sizes[row]! })
    }
  }
  return index
}
