import { createPublicKey, type KeyObject } from 'node:crypto'
import path from 'node:path'
import { DecodeError } from '../../bytes/decode-error.ts'
import { writeFileDurably } from '../durable-file.ts'
import { ManifestInvalid } from '../manifest-open.ts'
import type { Repository } from '../repository.ts'
import { packIndexFile, renditionDirectory, type VersionFileName } from '../repository-layout.ts'
import { decodeSignatures, decodeStatement, encodeSignatures, isSignedBy, type SignedStatement } from '../statement.ts'
import { type ReadStore, StoreUnreachable } from '../store/chunk-store.ts'
import { readContentChunks } from '../store/content-chunks.ts'
import { type ContentName, contentFile } from '../store/content-name.ts'
import type { Repair } from './damage.ts'
import type { Inspection } from './inspect-repository.ts'
import { removeAside } from './remove-aside.ts'
import type { ContentScan } from './scan-content.ts'
import { indexOf } from './scan-pack.ts'

/** What the files of versions are mended from. */
export type FileSources = { sources: readonly ReadStore[]; publicKeyPem: string | undefined }

/** Writes the index of every pack that is whole and has none that is. */
export async function repairIndexes({ directory }: Repository, { packs }: Inspection): Promise<Repair[]> {
  const repairs: Repair[] = []
  for (const scan of packs.values()) {
    if (scan.pack.kind !== 'whole' || scan.index.kind === 'whole') continue
    await writeFileDurably(packIndexFile(directory, scan.packId), indexOf(scan))
    repairs.push({ file: `packs/${scan.packId}.index`, how: 'made again from its pack' })
  }
  return repairs
}

/**
 * Manifests and signatures of versions come from the sources; a rendition of which either is damaged is removed: it is
 * made again when it is asked for.
 */
export async function repairContents(
  repository: Repository,
  { contents }: Inspection,
  from: FileSources,
): Promise<Repair[]> {
  const repairs: Repair[] = []
  for (const scan of contents) {
    if (scan.manifest.kind === 'whole' && scan.signatures.kind === 'whole') continue
    repairs.push(
      ...(scan.content.rendition === undefined
        ? await repairVersion(repository, scan, from)
        : await removeRendition(repository, scan.content)),
    )
  }
  return repairs
}

async function repairVersion(repository: Repository, scan: ContentScan, from: FileSources): Promise<Repair[]> {
  const { content } = scan
  const repairs: Repair[] = []
  const put = async (file: VersionFileName, found: { bytes: string | Buffer; origin: string } | undefined) => {
    if (!found) return
    const target = contentFile(repository.directory, content, file)
    await writeFileDurably(target, found.bytes)
    repairs.push({ file: path.relative(repository.directory, target), how: `taken from ${found.origin}` })
  }
  if (scan.manifest.kind !== 'whole') await put('manifest', await findManifest(content, from.sources))
  if (scan.signatures.kind !== 'whole') await put('signatures', await findSignatures(content, from))
  return repairs
}

async function findManifest(content: ContentName, sources: readonly ReadStore[]) {
  for (const source of sources) {
    const bytes = await readFrom(source, content, 'manifest')
    try {
      if (bytes && readContentChunks(content, bytes)) return { bytes, origin: source.origin }
    } catch (error) {
      if (!(error instanceof DecodeError) && !(error instanceof ManifestInvalid)) throw error
    }
  }
  return undefined
}

async function findSignatures(content: ContentName, { sources, publicKeyPem }: FileSources) {
  const key = publicKeyPem === undefined ? undefined : createPublicKey(publicKeyPem)
  for (const source of sources) {
    const bytes = await readFrom(source, content, 'signatures')
    const usable = bytes ? usableStatements(bytes, content.version, key) : []
    if (usable.length > 0) return { bytes: encodeSignatures(usable), origin: source.origin }
  }
  return undefined
}

/** Those about the version, and by the key that is trusted where one is given. */
function usableStatements(bytes: Buffer, version: string, key: KeyObject | undefined): SignedStatement[] {
  try {
    return decodeSignatures(bytes).filter(
      (signed) =>
        decodeStatement(signed.statement).version === version && (key === undefined || isSignedBy(signed, key)),
    )
  } catch (error) {
    if (error instanceof DecodeError) return []
    throw error
  }
}

/** A source that cannot be asked is passed over here; repairChunks() tells of it. */
async function readFrom(source: ReadStore, content: ContentName, file: VersionFileName): Promise<Buffer | undefined> {
  try {
    return await source.readFile(content, file)
  } catch (error) {
    if (error instanceof StoreUnreachable) return undefined
    throw error
  }
}

async function removeRendition(repository: Repository, { version, rendition }: ContentName): Promise<Repair[]> {
  const file = await removeAside(repository, renditionDirectory(repository.directory, version, rendition!))
  return [{ file, how: 'removed; it is made again when it is asked for' }]
}
