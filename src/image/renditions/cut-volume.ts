import { open } from 'node:fs/promises'
import { chunkBytes } from '../tree.ts'
import { type BlockMap, clearUnused, rowBytesOf, rowCountOf } from './block-map.ts'
import { BlockMapBuilder } from './block-map-builder.ts'
import type { BlockUse } from './block-use.ts'
import type { RenditionWork } from './rendition-options.ts'

/** Cuts a volume's file into rows and gives what is in use to the chunk writer. */
export async function cutVolume(
  work: RenditionWork,
  file: string,
  sizeBytes: number,
  use: BlockUse,
): Promise<BlockMap> {
  const builder = new BlockMapBuilder(work.session.chunks)
  await using handle = await open(file, 'r')
  for (let row = 0; row < rowCountOf(sizeBytes); row++) {
    work.options.signal?.throwIfAborted()
    const { used, data } = use.row(row)
    if (data === 0n) {
      builder.addRowWithoutChunk(used)
      continue
    }
    const bytes = new Uint8Array(rowBytesOf(sizeBytes, row))
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, row * chunkBytes)
    if (bytesRead < bytes.length) throw new RangeError(`the volume's file ended at ${row * chunkBytes + bytesRead}`)
    clearUnused(bytes, data)
    await builder.addRow(bytes, used)
    work.options.onProgress?.({ step: 'cut blocks', bytesDone: row * chunkBytes, bytesTotal: sizeBytes })
  }
  await work.session.seal()
  return builder.finish(sizeBytes)
}
