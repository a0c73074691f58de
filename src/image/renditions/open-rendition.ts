import type { KeyObject } from 'node:crypto'
import { zstdDecompressSync } from 'node:zlib'
import { DecodeError } from '../../bytes/decode-error.ts'
import { maxManifestBytes, versionIdOf } from '../manifest-open.ts'
import { decodeBlockManifest } from './block-manifest-decode.ts'
import type { BlockHeader } from './block-manifest-encode.ts'
import type { BlockMap } from './block-map.ts'
import { openRenditionStatement, RenditionRefused, type RenditionStatement } from './rendition-statement.ts'

export type OpenedRendition = { statement: RenditionStatement; header: BlockHeader; blocks: BlockMap }

/**
 * Opens what GET /images/VERSION/renditions/NAME/manifest and /signatures gave: signature, then hash, then content are
 * checked, so that nothing of an unsigned manifest is ever read. Throws RenditionRefused, DecodeError.
 */
export function openRendition(
  manifest: Buffer,
  signatures: Buffer,
  publicKey: KeyObject,
  wanted: { version: string; rendition: string },
): OpenedRendition {
  return openWithStatement(manifest, openRenditionStatement(signatures, publicKey, wanted))
}

/** What is left to check when the statement is to be believed. Throws RenditionRefused, DecodeError. */
export function openWithStatement(manifest: Buffer, statement: RenditionStatement): OpenedRendition {
  const { version, rendition } = statement
  let bytes: Buffer
  try {
    bytes = zstdDecompressSync(manifest, { maxOutputLength: maxManifestBytes, chunkSize: 1024 * 1024 })
  } catch (error) {
    throw new DecodeError('block manifest', `its compression is damaged (${(error as Error).message})`)
  }
  const actual = versionIdOf(bytes)
  if (actual !== statement.manifest) {
    throw new RenditionRefused(version, rendition, `its manifest hashes to ${actual}, not ${statement.manifest}`)
  }
  const { header, blocks } = decodeBlockManifest(bytes)
  if (header.version !== version || header.rendition !== rendition || blocks.sizeBytes !== statement.sizeBytes) {
    throw new RenditionRefused(version, rendition, 'its manifest describes something else')
  }
  return { statement, header, blocks }
}
