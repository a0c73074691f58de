import { type OpenedRendition, openRendition } from '../../image/renditions/open-rendition.ts'
import { decodeSignatures, openStatement } from '../../image/statement.ts'
import type { VersionOptions } from '../open-version.ts'
import type { VersionSource } from '../write-tree-source.ts'

const maxLocationsBytes = 256 * 1024 * 1024
const maxManifestFileBytes = 256 * 1024 * 1024
const maxSignaturesBytes = 1024 * 1024

export type BlockOptions = VersionOptions & {
  /** `volume-ext4`, `disk` … */
  rendition: string
}

/**
 * Fetches and checks what is signed: that the version is the image's, and that these are the blocks of its rendition.
 * Throws SignatureRefused, RenditionRefused, DecodeError, FetchFailed.
 */
export async function openBlockRendition(source: VersionSource, options: BlockOptions): Promise<OpenedRendition> {
  const { image, version, rendition, imagePublicKey } = options
  const [ofVersion, signatures, manifest] = await Promise.all([
    source.fetchFile(`/images/${version}/signatures`, maxSignaturesBytes),
    source.fetchFile(renditionPath(options, 'signatures'), maxSignaturesBytes),
    source.fetchFile(renditionPath(options, 'manifest'), maxManifestFileBytes),
  ])
  openStatement(decodeSignatures(ofVersion), imagePublicKey, { version, image })
  return openRendition(manifest, signatures, imagePublicKey, { version, rendition })
}

/** Where its chunks lie, which nobody signed: locations.ts decodes it, with the manifest. Throws FetchFailed. */
export function fetchBlockLocations(source: VersionSource, options: BlockOptions): Promise<Buffer> {
  return source.fetchFile(renditionPath(options, 'locations'), maxLocationsBytes)
}

function renditionPath({ version, rendition }: BlockOptions, file: string): string {
  return `/images/${version}/renditions/${rendition}/${file}`
}
