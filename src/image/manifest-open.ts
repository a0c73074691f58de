import { hash, type KeyObject } from 'node:crypto'
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { DecodeError } from '../bytes/decode-error.ts'
import { decodeManifest } from './manifest-decode.ts'
import { decodeSignatures, openStatement, type Statement } from './statement.ts'
import type { Tree } from './tree.ts'

/** A manifest takes about 100 bytes an entry and 90 a chunk: this is enough for 1 TiB in four million files. */
export const maxManifestBytes = 768 * 1024 * 1024

/** A manifest whose bytes are not those that its version id names. */
export class ManifestInvalid extends Error {
  override readonly name = 'ManifestInvalid'
  readonly version: string
  readonly actual: string

  constructor(version: string, actual: string) {
    super(`Cannot use the manifest of version ${version}: its content hashes to ${actual}`)
    this.version = version
    this.actual = actual
  }
}

export function compressManifest(manifest: Buffer): Buffer {
  return zstdCompressSync(manifest, { params: { [constants.ZSTD_c_compressionLevel]: 9 } })
}

/** Of uncompressed manifest bytes. */
export function versionIdOf(manifest: Buffer): string {
  return hash('sha256', manifest, 'hex')
}

/**
 * Opens what GET /images/VERSION/manifest and /signatures gave: signature, then hash, then content are checked, so that
 * nothing of an unsigned manifest is ever read. Throws SignatureRefused, ManifestInvalid, DecodeError.
 */
export function openManifest(
  manifest: Buffer,
  signatures: Buffer,
  publicKey: KeyObject,
  wanted: { version: string; image?: string | undefined },
): { statement: Statement; tree: Tree } {
  const statement = openStatement(decodeSignatures(signatures), publicKey, wanted)
  return { statement, tree: decodeStoredManifest(manifest, wanted.version) }
}

/** Without the signature: for a repository's own files. Throws ManifestInvalid, DecodeError. */
export function decodeStoredManifest(manifest: Buffer, version: string): Tree {
  return decodeManifest(decompressManifest(manifest, version))
}

/** The bytes that `version` is the hash of. Throws ManifestInvalid, DecodeError. */
export function decompressManifest(manifest: Buffer, version: string): Buffer {
  let bytes: Buffer
  try {
    bytes = zstdDecompressSync(manifest, { maxOutputLength: maxManifestBytes, chunkSize: 1024 * 1024 })
  } catch (error) {
    throw new DecodeError('tree manifest', `its compression is damaged (${(error as Error).message})`)
  }
  const actual = versionIdOf(bytes)
  if (actual !== version) throw new ManifestInvalid(version, actual)
  return bytes
}
