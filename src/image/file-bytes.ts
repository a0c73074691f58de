import type { TreeContents } from './renditions/tree-contents.ts'
import { chunkBytes, type FileEntry } from './tree.ts'

const zeros = Buffer.alloc(chunkBytes)

/** All bytes of a file in order, its holes as zeros. What comes must not be written to. */
export async function* fileBytes(contents: TreeContents, file: FileEntry): AsyncGenerator<Uint8Array> {
  if (file.sizeBytes <= chunkBytes && file.holes.length === 0) {
    if (file.sizeBytes > 0) yield await contents.readSmall(file)
    return
  }
  let at = 0
  for await (const { offset, bytes } of contents.readBlocks(file)) {
    yield* zeroBytes(offset - at)
    yield bytes
    at = offset + bytes.length
  }
  yield* zeroBytes(file.sizeBytes - at)
}

export function* zeroBytes(sizeBytes: number): Generator<Uint8Array> {
  for (let left = sizeBytes; left > 0; left -= zeros.length) yield zeros.subarray(0, left)
}
