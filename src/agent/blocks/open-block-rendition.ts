import { decodeLocations, type PackLocations } from '../../image/locations.ts'
import { type OpenedRendition, openRendition } from '../../image/renditions/open-rendition.ts'
import { decodeSignatures, openStatement } from '../../image/statement.ts'
import type { VersionOptions } from '../open-version.ts'
import type { VersionSource } from '../write-tree-source.ts'

const maxLocationsBytes = 256 * 1024 * 1024
const maxManifestFileBytes = 256 * 1024 * 1024
const maxSignaturesBytes = 1024 * 1024

/**
 * Fetches and checks what is signed: that the version is the image's, and that these are the blocks of its rendition. Where
 * chunks lie nobody signed. Throws SignatureRefused, RenditionRefused, DecodeError, FetchFailed.
 */
export async function openBlockRendition(
  source: VersionSource,
  { image, version, imagePublicKey }: VersionOptions,
  rendition: string,
): Promise<OpenedRendition & { locations: PackLocations[] }> {
  const directory = `/images/${version}/renditions/${rendition}`
  const [ofVersion, signatures, manifest, locations] = await Promise.all([
    source.fetchFile(`/images/${version}/signatures`, maxSignaturesBytes),
    source.fetchFile(`${directory}/signatures`, maxSignaturesBytes),
    source.fetchFile(`${directory}/manifest`, maxManifestFileBytes),
    source.fetchFile(`${directory}/locations`, maxLocationsBytes),
  ])
  openStatement(decodeSignatures(ofVersion), imagePublicKey, { version, image })
  const opened = openRendition(manifest, signatures, imagePublicKey, { version, rendition })
  return { ...opened, locations: decodeLocations(locations, opened.statement.manifest, opened.blocks.chunks) }
}
