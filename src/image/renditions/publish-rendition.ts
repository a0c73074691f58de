import type { KeyObject } from 'node:crypto'
import { mkdir, rename } from 'node:fs/promises'
import path from 'node:path'
import { syncDirectory, writeSyncedFile } from '../durable-file.ts'
import type { ImportSession } from '../import-session.ts'
import { encodeLocations } from '../locations.ts'
import { compressManifest, versionIdOf } from '../manifest-open.ts'
import { renditionDirectory } from '../repository-layout.ts'
import { encodeSignatures } from '../statement.ts'
import { type BlockHeader, encodeBlockManifest } from './block-manifest-encode.ts'
import type { BlockMap } from './block-map.ts'
import { RenditionImpossible } from './rendition-impossible.ts'
import { type RenditionStatement, renditionFormat, signRenditionStatement } from './rendition-statement.ts'

/**
 * Puts a rendition whose chunks the session holds beside its version's tree; one that is there already stays. Throws
 * RenditionImpossible where the version was removed meanwhile.
 */
export async function publishRendition(
  session: ImportSession,
  header: BlockHeader,
  blocks: BlockMap,
  signingKey: { privateKey: KeyObject },
): Promise<void> {
  await session.seal()
  const manifest = encodeBlockManifest(header, blocks)
  const id = versionIdOf(manifest)
  const { text, storedBytes } = encodeLocations(id, blocks.chunks, session.index)
  const { version, rendition } = header
  const statement: RenditionStatement = {
    format: renditionFormat,
    ...{ version, rendition, manifest: id, createdAt: Date.now(), sizeBytes: blocks.sizeBytes, storedBytes },
  }
  const signatures = encodeSignatures([signRenditionStatement(statement, signingKey.privateKey)])
  const files = { manifest: compressManifest(manifest), signatures, locations: text }
  const aside = path.join(session.directory, rendition)
  await mkdir(aside)
  for (const [name, bytes] of Object.entries(files)) await writeSyncedFile(path.join(aside, name), bytes)
  await syncDirectory(aside)
  await session.publish(blocks.chunks, () => putInPlace(session, header, aside))
}

async function putInPlace({ repository }: ImportSession, { version, rendition }: BlockHeader, aside: string) {
  const target = renditionDirectory(repository.directory, version, rendition)
  const renditions = path.dirname(target)
  try {
    await mkdir(renditions)
    await syncDirectory(path.dirname(renditions))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') throw new RenditionImpossible(version, rendition, 'the version was removed meanwhile')
    if (code !== 'EEXIST') throw error
  }
  try {
    await rename(aside, target)
  } catch (error) {
    // Another process made it meanwhile: either is right, and the first may be in use already.
    if (['EEXIST', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '')) return
    throw error
  }
  await syncDirectory(renditions)
}
