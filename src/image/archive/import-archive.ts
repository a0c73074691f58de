import type { KeyObject } from 'node:crypto'
import { DecodeError } from '../../bytes/decode-error.ts'
import { ByteSource, SourceTruncated } from '../byte-source.ts'
import { ImageSourceInvalid, type ImportOptions } from '../image-source.ts'
import { ImportSession } from '../import-session.ts'
import { encodeLocations } from '../locations.ts'
import { decodeStoredManifest, ManifestInvalid, maxManifestBytes } from '../manifest-open.ts'
import { ChunkInvalid, openChunk } from '../open-chunk.ts'
import { decodeRecordHeader, magicBytes, packMagic, rowBytes } from '../pack-format.ts'
import { chunkKey } from '../pack-index.ts'
import { placeVersion } from '../place-version.ts'
import type { Repository, Version } from '../repository.ts'
import { checkName } from '../repository-layout.ts'
import { openSourceStream } from '../source-stream.ts'
import { encodeSignatures, signStatement } from '../statement.ts'
import { type TarMember, TarReader } from '../tar-reader.ts'
import type { ChunkTable, Tree } from '../tree.ts'
import {
  type ArchiveHeader,
  chunksMemberName,
  decodeArchiveHeader,
  maxArchiveHeaderBytes,
  maxSignaturesBytes,
} from './archive-format.ts'
import { type Origin, openOrigin } from './open-origin.ts'

export type ArchiveOptions = ImportOptions & {
  /** The image it becomes a version of; the one it was exported from where not given. */
  image?: string | undefined
  signingKey: { privateKey: KeyObject; publicKey: KeyObject }
  /** Keys of other sites whose word is taken. */
  trusted: readonly KeyObject[]
  /** Takes it from whomever it comes; this site's key then stands for it. */
  isOriginIgnored?: boolean | undefined
  /** Whether `current` moves to it: true where not given. */
  isCurrent?: boolean | undefined
}

/**
 * Imports what exportVersion() wrote, plain or compressed. Every chunk is compared with its id and the manifest with the
 * version's; nothing is kept unless all of it is there. The version then bears this site's signature, and what the other
 * site signed is kept. Throws ImageSourceInvalid, SignatureRefused, StorageFull.
 */
export async function importArchive(repository: Repository, file: string, options: ArchiveOptions): Promise<Version> {
  if (options.image !== undefined) checkName('image', options.image)
  const stream = await openSourceStream(file)
  await using source = new ByteSource(stream.bytes)
  await using session = await ImportSession.begin(repository)
  const report = (entries: number) =>
    options.onProgress?.({ bytesDone: stream.bytesRead(), bytesTotal: stream.bytesTotal, entries })
  try {
    const archive = new ArchiveReader(file, source)
    const { header, origin, manifest, tree } = await readHead(archive, options)
    await readChunks({ archive, session, header, table: tree.chunks, report, signal: options.signal })
    return await placeVersion(session, await finish(session, { header, origin, manifest, tree }, options))
  } catch (error) {
    throw explain(file, source.position, error)
  }
}

type Head = { header: ArchiveHeader; origin: Origin; manifest: Buffer; tree: Tree }

async function readHead(archive: ArchiveReader, options: ArchiveOptions): Promise<Head> {
  const header = decodeArchiveHeader(await archive.readWhole('archive', maxArchiveHeaderBytes))
  const signatures = await archive.readWhole('signatures', maxSignaturesBytes)
  const origin = openOrigin(signatures, header, {
    own: options.signingKey.publicKey,
    trusted: options.trusted,
    isIgnored: options.isOriginIgnored ?? false,
  })
  const manifest = await archive.readWhole('manifest', maxManifestBytes)
  return { header, origin, manifest, tree: decodeStoredManifest(manifest, header.version) }
}

async function finish(session: ImportSession, { header, origin, manifest, tree }: Head, options: ArchiveOptions) {
  await session.seal()
  const locations = encodeLocations(header.version, tree.chunks, session.index)
  const image = checkName('image', options.image ?? header.image)
  // Entries and sizes are counted here: of an origin that is ignored nothing is believed.
  const statement = {
    ...origin.statement,
    image,
    entries: tree.entries.length,
    sizeBytes: tree.sizeBytes,
    storedBytes: locations.storedBytes,
  }
  return {
    tree,
    statement,
    signed: signStatement(statement, options.signingKey.privateKey),
    signedBy: options.signingKey.publicKey,
    files: { manifest, locations: locations.text },
    ...(origin.foreign.length > 0 && { origin: encodeSignatures(origin.foreign) }),
    isCurrent: options.isCurrent ?? true,
  }
}

type ChunkReading = {
  archive: ArchiveReader
  session: ImportSession
  header: ArchiveHeader
  table: ChunkTable
  report: (chunks: number) => void
  signal: AbortSignal | undefined
}

/** The archive must hold every chunk of the table, whatever the repository has, and no other. */
async function readChunks({ archive, session, header, table, report, signal }: ChunkReading): Promise<void> {
  const missing = new Set<string>()
  for (let row = 0; row < table.count; row++) missing.add(chunkKey(table.ids.subarray(row * 32, row * 32 + 32)))
  let chunks = 0
  for (let number = 1; missing.size > 0; number++) {
    for await (const { chunk, stored } of archive.readPack(chunksMemberName(number))) {
      signal?.throwIfAborted()
      if (!missing.delete(chunkKey(chunk.id))) {
        throw new DecodeError(
          'archive',
          `chunk ${chunk.id.toString('hex')} is twice in it, or is none of the version's`,
        )
      }
      openChunk(chunk, stored, archive.file)
      const { id, sizeBytes, encoding } = chunk
      await session.chunks.addStored({ id, sizeBytes, encoding }, stored)
      report(++chunks)
    }
  }
  if (chunks !== header.chunks) throw new DecodeError('archive', `it says ${header.chunks} chunks and has ${chunks}`)
  await archive.end()
}

/** The members of an archive in their order. Throws DecodeError, SourceTruncated. */
class ArchiveReader {
  readonly file: string
  readonly #tar: TarReader

  constructor(file: string, source: ByteSource) {
    this.file = file
    this.#tar = new TarReader(source)
  }

  async readWhole(name: string, maxBytes: number): Promise<Buffer> {
    const member = await this.#next(name)
    if (member.sizeBytes > maxBytes)
      throw new DecodeError('archive', `its member ${name} has ${member.sizeBytes} bytes`)
    const parts: Buffer[] = []
    for await (const part of this.#tar.data(member)) parts.push(part)
    return Buffer.concat(parts)
  }

  async *readPack(name: string) {
    const member = await this.#next(name)
    const pieces = new ByteSource(this.#tar.data(member))
    const magic = await pieces.read(magicBytes)
    if (!magic?.equals(packMagic)) throw new DecodeError('archive', `its member ${name} is no pack`)
    for (let offset = pieces.position; offset < member.sizeBytes; offset = pieces.position) {
      const chunk = decodeRecordHeader(`${name} of the archive`, (await pieces.read(rowBytes))!, offset)
      const stored = await pieces.read(chunk.storedBytes)
      if (!stored) throw new SourceTruncated()
      yield { chunk, stored }
    }
  }

  async end(): Promise<void> {
    const more = await this.#tar.next()
    if (more)
      throw new DecodeError('archive', `a member ${JSON.stringify(more.name.toWellFormed())} stands behind its end`)
  }

  async #next(name: string): Promise<TarMember> {
    const member = await this.#tar.next()
    if (member?.name === name && member.header.typeflag === '0') return member
    const found = member ? JSON.stringify(member.name.toWellFormed()) : 'the end'
    throw new DecodeError('archive', `${found} stands where its member ${name} should: it is no archive of a version`)
  }
}

function explain(file: string, position: number, error: unknown): unknown {
  if (error instanceof SourceTruncated) {
    return new ImageSourceInvalid(file, `byte ${position}`, 'it ends too early: the file is truncated', {
      cause: error,
    })
  }
  if (error instanceof DecodeError || error instanceof ChunkInvalid || error instanceof ManifestInvalid) {
    return new ImageSourceInvalid(file, `byte ${position}`, error.message, { cause: error })
  }
  return error
}
