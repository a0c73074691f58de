import path from 'node:path'
import { DecodeError } from '../bytes/decode-error.ts'
import { parseRenditionName, type RamRootForm } from './renditions/rendition-name.ts'

/*
 * A repository is one directory that can be copied, shared or served as it is:
 *
 *   packs/PACK.pack, packs/PACK.index      chunks; PACK is the SHA-256 of the .pack file
 *   versions/VERSION/manifest              the tree manifest, zstd; VERSION is the SHA-256 of its uncompressed bytes
 *   versions/VERSION/signatures            one signed statement a line, one for each image the version belongs to
 *   versions/VERSION/locations             where each of its chunks lies; made from the packs, not signed
 *   versions/VERSION/origin                what another site signed, where it came from one (archive/)
 *   tags/IMAGE/TAG                         a version id
 *   retention/IMAGE                        how many of its versions to keep (retention.ts)
 *   staging/HOST.PID.RANDOM/               an import or other work under way (store/repository-hold.ts)
 *   condemned                              packs that are to be deleted (store/condemned-packs.ts)
 *   lock, upkeep.lock                      locked, never read (store/repository-lock.ts)
 *
 * Other renditions of a version stand beside its manifest (renditions/rendition-name.ts has their names):
 *
 *   versions/VERSION/renditions/NAME/manifest      the block manifest, zstd
 *   versions/VERSION/renditions/NAME/signatures    one signed statement, which names the manifest's hash
 *   versions/VERSION/renditions/NAME/locations     where each of its chunks lies
 *
 * What runs it from memory is made of plain files (renditions/stored-ram-root.ts), which loaders fetch as they are:
 *
 *   versions/VERSION/ramroot/FORM/index.json       what there is, with sizes and hashes; FORM is squashfs or initrd
 *   versions/VERSION/ramroot/FORM/FILE             kernel, archives, root
 *
 * and what leads to it from another version (deltas/delta-store.ts): deltas/PARENT/index and data, beside a manifest.
 */

export const versionFileNames = ['manifest', 'signatures', 'locations'] as const
export type VersionFileName = (typeof versionFileNames)[number]

const idPattern = /^[0-9a-f]{64}$/
/** Names of images and tags. */
const namePattern = /^[a-z0-9][a-z0-9._-]{0,63}$/

export function packFile(directory: string, packId: string): string {
  return path.join(directory, 'packs', `${checkId('pack', packId)}.pack`)
}

export function packIndexFile(directory: string, packId: string): string {
  return path.join(directory, 'packs', `${checkId('pack', packId)}.index`)
}

export function versionDirectory(directory: string, versionId: string): string {
  return path.join(directory, 'versions', checkId('version', versionId))
}

export function versionFile(directory: string, versionId: string, name: VersionFileName): string {
  return path.join(versionDirectory(directory, versionId), name)
}

export function originFile(directory: string, versionId: string): string {
  return path.join(versionDirectory(directory, versionId), 'origin')
}

/** Throws DecodeError for a name that renditions/rendition-name.ts does not make. */
export function renditionDirectory(directory: string, versionId: string, name: string): string {
  parseRenditionName(name)
  return path.join(versionDirectory(directory, versionId), 'renditions', name)
}

export function renditionFile(directory: string, versionId: string, name: string, file: VersionFileName): string {
  return path.join(renditionDirectory(directory, versionId, name), file)
}

export function ramRootDirectory(directory: string, versionId: string, form: RamRootForm): string {
  return path.join(versionDirectory(directory, versionId), 'ramroot', form)
}

/** A delta (deltas/delta-store.ts) goes with what it leads to. Throws DecodeError. */
export function deltaFile(
  directory: string,
  { version, name, parent }: { version: string; name: string; parent: string },
  file: 'index' | 'data',
): string {
  const target = name === 'tree' ? versionDirectory(directory, version) : renditionDirectory(directory, version, name)
  return path.join(target, 'deltas', checkId('version', parent), file)
}

export function imageTagsDirectory(directory: string, image: string): string {
  return path.join(directory, 'tags', checkName('image', image))
}

export function tagFile(directory: string, image: string, tag: string): string {
  return path.join(imageTagsDirectory(directory, image), checkName('tag', tag))
}

export function isId(text: string): boolean {
  return idPattern.test(text)
}

export function isName(text: string): boolean {
  return namePattern.test(text)
}

/** Throws DecodeError when it is not 64 lower-case hexadecimal digits. */
export function checkId(what: 'pack' | 'version', id: string): string {
  if (!isId(id)) throw new DecodeError(`${what} id`, `"${id}" is not 64 hexadecimal digits`)
  return id
}

/** Throws DecodeError when it cannot name an image or tag. */
export function checkName(what: 'image' | 'tag', name: string): string {
  if (isName(name)) return name
  const rule = 'is not 1 to 64 of a-z, 0-9, dot, underscore and hyphen, a letter or digit first'
  throw new DecodeError(`${what} name`, `"${name}" ${rule}`)
}
