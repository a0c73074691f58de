import { open } from 'node:fs/promises'
import { chunkBytes } from '../tree.ts'
import type { BlockMap } from './block-map.ts'
import type { StoredChunks } from './stored-chunks.ts'

/** Writes a rendition's data into a new file; everything else in it is a hole. */
export async function layBlocks(
  blocks: BlockMap,
  stored: StoredChunks,
  file: string,
  signal?: AbortSignal,
): Promise<void> {
  await using handle = await open(file, 'wx', 0o600)
  await handle.truncate(blocks.sizeBytes)
  for (let row = 0; row < blocks.used.length; row++) {
    const chunk = blocks.chunkOfRow[row]!
    if (chunk < 0) continue
    signal?.throwIfAborted()
    const bytes = await stored.read(blocks.chunks, chunk)
    for (let done = 0; done < bytes.length; ) {
      done += (await handle.write(bytes, done, bytes.length - done, row * chunkBytes + done)).bytesWritten
    }
  }
}
