import { createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { DecodeError } from '../../bytes/decode-error.ts'
import { decodeLocations, type PackLocations } from '../locations.ts'
import { ManifestInvalid } from '../manifest-open.ts'
import { openRenditionStatement, RenditionRefused } from '../renditions/rendition-statement.ts'
import type { VersionFileName } from '../repository-layout.ts'
import { decodeSignatures, decodeStatement, openStatement, SignatureRefused } from '../statement.ts'
import { readContentChunks } from '../store/content-chunks.ts'
import { type ContentName, contentFile } from '../store/content-name.ts'
import { type ChunkTable, chunkIdOfRow } from '../tree.ts'
import type { FileState } from './scan-pack.ts'

/** `refused`: whole, but not signed by the key that was given. */
export type SignatureState = FileState | { kind: 'refused'; reason: string }

export type ContentScan = {
  content: ContentName
  /** Images it is a version of, as far as its signatures can be read. */
  images: string[]
  manifest: FileState
  signatures: SignatureState
  locations: FileState
  /** Undefined where the manifest cannot be read. */
  chunks: ChunkTable | undefined
  locationsId: string | undefined
  /** Undefined where the locations or the manifest cannot be read. */
  places: PackLocations[] | undefined
}

const whole: FileState = { kind: 'whole' }

/** Reads the three files of a content, with synchronous calls: for a worker. `publicKeyPem` is whose signature must be there. */
export function scanContent(directory: string, content: ContentName, publicKeyPem?: string): ContentScan {
  const read = (file: VersionFileName) => readState(contentFile(directory, content, file))
  const manifest = tryRead(read('manifest'), (bytes) => readContentChunks(content, bytes))
  const signatures = tryRead(read('signatures'), (bytes) =>
    checkSignatures(bytes, content, manifest.value?.locationsId, publicKeyPem),
  )
  const locations = tryRead(read('locations'), (bytes) =>
    manifest.value ? decodeLocations(bytes, manifest.value.locationsId, manifest.value.chunks) : undefined,
  )
  return {
    content,
    images: signatures.value ?? [],
    manifest: manifest.state,
    signatures: signatures.state,
    locations: locations.state,
    chunks: manifest.value?.chunks,
    locationsId: manifest.value?.locationsId,
    places: locations.value,
  }
}

/** Ids of the chunks of a content, each once. */
export function distinctChunks(chunks: ChunkTable): Set<string> {
  const ids = new Set<string>()
  for (let row = 0; row < chunks.count; row++) ids.add(chunkIdOfRow(chunks, row))
  return ids
}

type Read = { state: FileState; bytes?: Buffer }

function readState(file: string): Read {
  try {
    return { state: whole, bytes: readFileSync(file) }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return { state: { kind: 'absent' } }
    return { state: { kind: 'unreadable', reason: message } }
  }
}

function tryRead<Value>(
  { state, bytes }: Read,
  decode: (bytes: Buffer) => Value,
): { state: SignatureState & FileState; value?: Value }
function tryRead<Value>(
  { state, bytes }: Read,
  decode: (bytes: Buffer) => Value,
): { state: SignatureState; value?: Value } {
  if (!bytes) return { state }
  try {
    return { state, value: decode(bytes) }
  } catch (error) {
    const { message } = error as Error
    if (error instanceof SignatureRefused || error instanceof RenditionRefused) {
      return { state: { kind: 'refused', reason: message } }
    }
    if (!(error instanceof DecodeError) && !(error instanceof ManifestInvalid)) throw error
    return { state: { kind: 'damaged', reason: message } }
  }
}

/** Images named by the statements. A rendition's statement must name the manifest that is there. */
function checkSignatures(
  bytes: Buffer,
  { version, rendition }: ContentName,
  manifestId: string | undefined,
  publicKeyPem: string | undefined,
): string[] {
  const key: KeyObject | undefined = publicKeyPem === undefined ? undefined : createPublicKey(publicKeyPem)
  const signed = decodeSignatures(bytes)
  if (signed.length === 0) throw new DecodeError('signatures', 'there are none in it')
  if (rendition === undefined) {
    const images = signed.map(({ statement }) => decodeStatement(statement).image)
    if (key) for (const image of images) openStatement(signed, key, { version, image })
    return images
  }
  if (!key) return []
  const statement = openRenditionStatement(bytes, key, { version, rendition })
  if (manifestId === undefined || statement.manifest === manifestId) return []
  throw new RenditionRefused(version, rendition, `its manifest hashes to ${manifestId}, not ${statement.manifest}`)
}
