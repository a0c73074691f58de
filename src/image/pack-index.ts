import { open, readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { DecodeError } from '../bytes/decode-error.ts'
import { writeFileDurably } from './durable-file.ts'
import {
  decodeIndex,
  decodeRecordHeader,
  encodeIndex,
  magicBytes,
  type PackedChunk,
  packMagic,
  rowBytes,
} from './pack-format.ts'
import { isId, packFile, packIndexFile } from './repository-layout.ts'
import { readCondemned } from './store/condemned-packs.ts'

export type ChunkLocation = PackedChunk & { packId: string }

/** Ids of the packs of a repository, sorted. */
export async function listPacks(directory: string): Promise<string[]> {
  const names = await readdir(path.join(directory, 'packs'))
  const ids = names.filter((name) => name.endsWith('.pack')).map((name) => name.slice(0, -'.pack'.length))
  return ids.filter(isId).sort()
}

/**
 * Where every chunk of a repository lies: of two places always the same one, and never one that is to be deleted. Holds
 * about 300 bytes a chunk: 10 MB for 8 GiB of content. A pack that cannot be read as one is left out; `image verify`
 * names it.
 */
export async function readChunkIndex(
  directory: string,
  condemned?: { has(packId: string): boolean },
): Promise<Map<string, ChunkLocation>> {
  const leftOut = condemned ?? (await readCondemned(directory))
  const chunks = new Map<string, ChunkLocation>()
  for (const packId of await listPacks(directory)) {
    if (leftOut.has(packId)) continue
    for (const chunk of await readPackChunks(directory, packId)) {
      chunks.set(chunkKey(chunk.id), { ...chunk, packId })
    }
  }
  return chunks
}

/** What its index says that a pack holds; nothing where neither can be read. */
export async function readPackChunks(directory: string, packId: string): Promise<PackedChunk[]> {
  try {
    return await readPackIndex(directory, packId)
  } catch (error) {
    // Damaged, or deleted by a prune since it was listed.
    if (error instanceof DecodeError || (error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** A chunk id as the key of a map: half as long as hexadecimal. */
export function chunkKey(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.length).toString('latin1')
}

/** An index that is missing or damaged is made again from its pack. Throws DecodeError when the pack is damaged too. */
async function readPackIndex(directory: string, packId: string): Promise<PackedChunk[]> {
  const file = packIndexFile(directory, packId)
  try {
    return decodeIndex(`pack index ${file}`, await readFile(file))
  } catch (error) {
    if (!(error instanceof DecodeError) && (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    const chunks = await scanPack(packFile(directory, packId))
    // A repository that may only be read is still used; the next import with the right to write makes the file.
    await writeFileDurably(file, encodeIndex(chunks)).catch(() => undefined)
    return chunks
  }
}

/** Reads the record headers of a pack, from end to end, and skips over the stored bytes. Throws DecodeError. */
export async function scanPack(file: string): Promise<PackedChunk[]> {
  const what = `pack ${file}`
  await using handle = await open(file, 'r')
  const { size } = await handle.stat()
  const row = Buffer.alloc(rowBytes)
  const { bytesRead } = await handle.read(row, 0, magicBytes, 0)
  if (!row.subarray(0, bytesRead).equals(packMagic)) throw new DecodeError(what, 'it is no pack', 0)
  const chunks: PackedChunk[] = []
  for (let offset = magicBytes; offset < size; ) {
    const header = await handle.read(row, 0, rowBytes, offset)
    const chunk = decodeRecordHeader(what, row.subarray(0, header.bytesRead), offset)
    offset = chunk.offset + chunk.storedBytes
    if (offset > size) throw new DecodeError(what, 'it ends inside a chunk', size)
    chunks.push(chunk)
  }
  return chunks
}
