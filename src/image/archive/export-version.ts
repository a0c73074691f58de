import { type FileHandle, open, readFile } from 'node:fs/promises'
import { ChunkMissing } from '../locations.ts'
import { decodeStoredManifest } from '../manifest-open.ts'
import { ChunkInvalid, openChunk } from '../open-chunk.ts'
import { encodeRecordHeader, magicBytes, packMagic, packTargetBytes, rowBytes } from '../pack-format.ts'
import { type ChunkLocation, chunkKey, readChunkIndex } from '../pack-index.ts'
import { type Repository, readSignatures } from '../repository.ts'
import { originFile, packFile, versionFile } from '../repository-layout.ts'
import { decodeSignatures, decodeStatement, encodeSignatures, type SignedStatement } from '../statement.ts'
import { readStored } from '../store/packed-chunk.ts'
import { RepositoryHold } from '../store/repository-hold.ts'
import type { ChunkTable } from '../tree.ts'
import {
  type ArchiveHeader,
  archiveEnd,
  archiveFormat,
  chunksMemberName,
  encodeMemberHeader,
  memberBytes,
  paddingAfter,
} from './archive-format.ts'

export type ExportOptions = {
  /** Called before the first byte: how many there will be. */
  onSize?: ((sizeBytes: number) => void) | undefined
  /** Takes the next bytes of the archive; they are its own from then on. */
  write: (bytes: Buffer<ArrayBuffer>) => Promise<void> | void
  /** Stored bytes of chunks. */
  onProgress?: ((progress: { bytesDone: number; bytesTotal: number }) => void) | undefined
  signal?: AbortSignal | undefined
}

/**
 * Writes a version as one archive, piece by piece, each chunk compared with its id on the way: an archive that is
 * complete is whole. Throws ChunkMissing, ChunkInvalid, ManifestInvalid, StorageBroken.
 */
export async function exportVersion(
  repository: Repository,
  { image, version }: { image: string; version: string },
  options: ExportOptions,
): Promise<ArchiveHeader> {
  await using _ = await RepositoryHold.take(repository)
  const manifest = await readFile(versionFile(repository.directory, version, 'manifest'))
  const table = decodeStoredManifest(manifest, version).chunks
  const chunks = locate(table, await readChunkIndex(repository.directory))
  const storedBytes = chunks.reduce((sum, chunk) => sum + chunk.storedBytes, 0)
  const header: ArchiveHeader = { format: archiveFormat, image, version, chunks: chunks.length, storedBytes }
  const signatures = await signaturesOf(repository, image, version)
  const { createdAt } = decodeStatement(signatures[0]!.statement)
  const archive = new ArchiveWriter(options, Math.floor(createdAt / 1000))
  const head = {
    archive: Buffer.from(`${JSON.stringify(header)}\n`),
    signatures: Buffer.from(encodeSignatures(signatures)),
    manifest,
  }
  const all = packsOf(chunks)
  const sizes = [...Object.values(head).map(({ length }) => length), ...all.map(sizeOfPack)]
  options.onSize?.(sizes.reduce((sum, sizeBytes) => sum + memberBytes(sizeBytes), archiveEnd.length))
  for (const [name, bytes] of Object.entries(head)) await archive.addMember(name, bytes)
  await using packs = new PackReader(repository)
  let bytesDone = 0
  for (const [at, pack] of all.entries()) {
    const sizeBytes = sizeOfPack(pack)
    await archive.beginMember(chunksMemberName(at + 1), sizeBytes)
    await archive.write(Buffer.from(packMagic))
    for (const chunk of pack) {
      options.signal?.throwIfAborted()
      await archive.write(Buffer.concat([encodeRecordHeader(chunk), await packs.read(chunk)]))
      bytesDone += chunk.storedBytes
      options.onProgress?.({ bytesDone, bytesTotal: storedBytes })
    }
    await archive.endMember(sizeBytes)
  }
  await archive.write(Buffer.from(archiveEnd))
  return header
}

/** Each chunk once, in the order of the table. */
function locate(table: ChunkTable, index: ReadonlyMap<string, ChunkLocation>): ChunkLocation[] {
  const chunks = new Map<string, ChunkLocation>()
  for (let row = 0; row < table.count; row++) {
    const id = table.ids.subarray(row * 32, row * 32 + 32)
    const location = index.get(chunkKey(id))
    if (!location) throw new ChunkMissing(id.toString('hex'))
    chunks.set(chunkKey(id), location)
  }
  return [...chunks.values()]
}

function packsOf(chunks: readonly ChunkLocation[]): ChunkLocation[][] {
  const packs: ChunkLocation[][] = []
  let sizeBytes = packTargetBytes
  for (const chunk of chunks) {
    if (sizeBytes >= packTargetBytes) {
      packs.push([])
      sizeBytes = magicBytes
    }
    packs.at(-1)!.push(chunk)
    sizeBytes += rowBytes + chunk.storedBytes
  }
  return packs
}

function sizeOfPack(chunks: readonly ChunkLocation[]): number {
  return chunks.reduce((sum, chunk) => sum + rowBytes + chunk.storedBytes, magicBytes)
}

/** About this image: ours, then what the site it came from signed. */
async function signaturesOf(repository: Repository, image: string, version: string): Promise<SignedStatement[]> {
  const origin = await readFile(originFile(repository.directory, version)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return Buffer.alloc(0)
    throw error
  })
  const all = [...(await readSignatures(repository, version)), ...decodeSignatures(origin)]
  return all.filter(({ statement }) => decodeStatement(statement).image === image)
}

class ArchiveWriter {
  readonly #options: ExportOptions
  readonly #mtimeSeconds: number

  constructor(options: ExportOptions, mtimeSeconds: number) {
    this.#options = options
    this.#mtimeSeconds = mtimeSeconds
  }

  async addMember(name: string, bytes: Buffer<ArrayBuffer>): Promise<void> {
    const sizeBytes = bytes.length
    await this.beginMember(name, sizeBytes)
    await this.write(bytes)
    await this.endMember(sizeBytes)
  }

  async beginMember(name: string, sizeBytes: number): Promise<void> {
    await this.write(encodeMemberHeader(name, sizeBytes, this.#mtimeSeconds))
  }

  async endMember(sizeBytes: number): Promise<void> {
    await this.write(paddingAfter(sizeBytes))
  }

  async write(bytes: Buffer<ArrayBuffer>): Promise<void> {
    if (bytes.length > 0) await this.#options.write(bytes)
  }
}

class PackReader {
  readonly #repository: Repository
  readonly #open = new Map<string, FileHandle>()

  constructor(repository: Repository) {
    this.#repository = repository
  }

  /** The stored bytes, which are those of the chunk. */
  async read(chunk: ChunkLocation): Promise<Buffer> {
    const file = packFile(this.#repository.directory, chunk.packId)
    let handle = this.#open.get(file)
    if (!handle) {
      handle = await open(file, 'r')
      this.#open.set(file, handle)
    }
    const stored = await readStored(handle, chunk)
    if (!stored) throw new ChunkInvalid(chunk.id.toString('hex'), file, 'the pack ends inside it')
    openChunk(chunk, stored, file)
    return stored
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#open.values()].map((handle) => handle.close()))
  }
}
