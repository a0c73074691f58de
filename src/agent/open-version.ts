import type { KeyObject } from 'node:crypto'
import { openManifest } from '../image/manifest-open.ts'
import type { Statement } from '../image/statement.ts'
import type { Tree } from '../image/tree.ts'
import type { VersionSource } from './write-tree-source.ts'

export type VersionOptions = {
  /** The boot plane, `http://10.0.0.1:4280`. */
  baseUrl: string
  /** Image and version as ordered: what is signed must name both. */
  image: string
  version: string
  imagePublicKey: KeyObject
  signal?: AbortSignal | undefined
  /** How long the server may be away, 15 minutes where it is not given. */
  patienceMs?: number | undefined
}

const maxLocationsBytes = 256 * 1024 * 1024
const maxManifestFileBytes = 256 * 1024 * 1024
const maxSignaturesBytes = 1024 * 1024

/** Fetches and checks what is signed. Throws SignatureRefused, ManifestInvalid, DecodeError, FetchFailed. */
export async function openVersion(
  source: VersionSource,
  { version, image, imagePublicKey }: VersionOptions,
): Promise<{ statement: Statement; tree: Tree }> {
  const [manifest, signatures] = await Promise.all([
    source.fetchFile(`/images/${version}/manifest`, maxManifestFileBytes),
    source.fetchFile(`/images/${version}/signatures`, maxSignaturesBytes),
  ])
  return openManifest(manifest, signatures, imagePublicKey, { version, image })
}

/** Where its chunks lie, for decodeLocations(): nobody signed it. Throws FetchFailed. */
export function fetchLocations(source: VersionSource, version: string): Promise<Buffer> {
  return source.fetchFile(`/images/${version}/locations`, maxLocationsBytes)
}
