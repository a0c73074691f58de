import { type FileHandle, open } from 'node:fs/promises'
import { ChunkInvalid, openChunk } from '../open-chunk.ts'
import type { PackedChunk } from '../pack-format.ts'

/** A chunk of a pack, compared with its id. Throws ChunkInvalid. */
export async function readPackedChunk(file: string, location: PackedChunk): Promise<Buffer> {
  await using handle = await open(file, 'r')
  const stored = await readStored(handle, location)
  if (!stored) throw new ChunkInvalid(location.id.toString('hex'), file, 'the pack ends inside it')
  return openChunk(location, stored, file)
}

/** The stored bytes of a chunk of an open pack; undefined where it ends before. */
export async function readStored(
  handle: FileHandle,
  { offset, storedBytes }: Pick<PackedChunk, 'offset' | 'storedBytes'>,
): Promise<Buffer | undefined> {
  const stored = Buffer.allocUnsafeSlow(storedBytes)
  for (let at = 0; at < storedBytes; ) {
    const { bytesRead } = await handle.read(stored, at, storedBytes - at, offset + at)
    if (bytesRead === 0) return undefined
    at += bytesRead
  }
  return stored
}
