import { writeFileDurably } from '../durable-file.ts'
import { ChunkMissing, encodeLocations } from '../locations.ts'
import type { ChunkLocation } from '../pack-index.ts'
import type { Repository } from '../repository.ts'
import { contentFile } from '../store/content-name.ts'
import type { ContentScan } from './scan-content.ts'

/**
 * Writes the locations of a content again, from where its chunks lie now. False where chunks are missing, or the content
 * was removed meanwhile.
 */
export async function refreshLocations(
  repository: Repository,
  { content, chunks, locationsId }: ContentScan,
  index: ReadonlyMap<string, ChunkLocation>,
): Promise<boolean> {
  if (!chunks || locationsId === undefined) return false
  try {
    const { text } = encodeLocations(locationsId, chunks, index)
    await writeFileDurably(contentFile(repository.directory, content, 'locations'), text)
    return true
  } catch (error) {
    if (error instanceof ChunkMissing || (error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
