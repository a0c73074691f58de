import { open } from 'node:fs/promises'
import type { ImportSession } from '../import-session.ts'
import { ChunkInvalid, openChunk } from '../open-chunk.ts'
import type { PackedChunk } from '../pack-format.ts'
import type { Repository } from '../repository.ts'
import { packFile } from '../repository-layout.ts'
import { onStorage } from '../storage-fault.ts'
import { readStored } from '../store/packed-chunk.ts'

/** Adds chunks of a pack, as they are stored, to a session; each is compared with its id first. Throws ChunkInvalid. */
export async function copyChunks(
  repository: Repository,
  session: ImportSession,
  packId: string,
  chunks: readonly PackedChunk[],
): Promise<void> {
  const file = packFile(repository.directory, packId)
  await using handle = await onStorage(file, () => open(file, 'r'))
  for (const chunk of [...chunks].sort((a, b) => a.offset - b.offset)) {
    const stored = await onStorage(file, () => readStored(handle, chunk))
    if (!stored) throw new ChunkInvalid(chunk.id.toString('hex'), file, 'the pack ends inside it')
    openChunk(chunk, stored, file)
    const { id, sizeBytes, encoding } = chunk
    await session.chunks.addStored({ id, sizeBytes, encoding }, stored)
  }
}
