import { zstdDecompressSync } from 'node:zlib'
import { DecodeError } from '../../bytes/decode-error.ts'
import { decodeStoredManifest, maxManifestBytes, versionIdOf } from '../manifest-open.ts'
import { decodeBlockManifest } from '../renditions/block-manifest-decode.ts'
import type { ChunkTable } from '../tree.ts'
import { type ContentName, formatContentName } from './content-name.ts'

/** `locationsId` is what the locations of the content call it: the SHA-256 of its manifest. */
export type ContentChunks = { chunks: ChunkTable; locationsId: string }

/**
 * The chunks a stored manifest needs. That of a tree is compared with its version; that of another rendition is only
 * believed when the signed statement names `locationsId`. Throws ManifestInvalid, DecodeError.
 */
export function readContentChunks(content: ContentName, manifest: Buffer): ContentChunks {
  if (content.rendition === undefined) {
    return { chunks: decodeStoredManifest(manifest, content.version).chunks, locationsId: content.version }
  }
  const bytes = decompress(manifest)
  const { header, blocks } = decodeBlockManifest(bytes)
  if (header.version !== content.version || header.rendition !== content.rendition) {
    throw new DecodeError('block manifest', `it is of ${formatContentName(header)}`)
  }
  return { chunks: blocks.chunks, locationsId: versionIdOf(bytes) }
}

function decompress(manifest: Buffer): Buffer {
  try {
    return zstdDecompressSync(manifest, { maxOutputLength: maxManifestBytes, chunkSize: 1024 * 1024 })
  } catch (error) {
    throw new DecodeError('block manifest', `its compression is damaged (${(error as Error).message})`)
  }
}
