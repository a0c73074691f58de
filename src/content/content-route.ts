import { isRenditionName } from '../image/renditions/rendition-name.ts'
import {
  deltaFile,
  isId,
  packFile,
  renditionFile,
  type VersionFileName,
  versionFile,
  versionFileNames,
} from '../image/repository-layout.ts'

/** Directories of this machine that the boot plane serves. */
export type ContentDirectories = {
  /** The image repository (image/repository-layout.ts). */
  imageDirectory: string
}

export type ContentRoute =
  /** A path of the virtual tree (boot/tree.ts), decoded. What the tree has not, the main thread may have. */
  | { kind: 'tree'; path: string }
  /**
   * `isImmutable`: the bytes under this URL never change, because its name is made from them. `entityTag`: what names
   * exactly these bytes, on every server that has them.
   */
  | { kind: 'file'; file: string; root: string; isImmutable: boolean; entityTag?: string }
  | { kind: 'missing'; reason: string }
  /** Not a file: the main thread answers. */
  | { kind: 'forward' }
  | { kind: 'malformed'; reason: string }

/** Never looked for in the tree: the main thread's own, also where the operator's files have the same name. */
const forwarded = new Set(['agent', 'boot.ipxe', 'boot.grub', 'boot.pxelinux', 'boot.shim', 'disk-loader'])

/** `target` is the request target as it came (RFC 9112 §3.2): path and query, or an absolute URL. */
export function routeContent(target: string, directories: ContentDirectories): ContentRoute {
  const path = decodePath(target)
  if (path === undefined) return { kind: 'malformed', reason: 'the path is not percent-encoded UTF-8' }
  // Boot loaders write doubled slashes.
  const segments = path.split('/').filter((segment) => segment !== '')
  if (segments.includes('..')) return missing('the path leaves the tree')
  const [area, ...rest] = segments
  switch (area) {
    case 'packs':
      return routePack(rest, directories.imageDirectory)
    case 'images':
      return routeVersion(rest, directories.imageDirectory)
    default:
      return area !== undefined && forwarded.has(area) ? { kind: 'forward' } : { kind: 'tree', path }
  }
}

function routePack([pack, ...more]: string[], imageDirectory: string): ContentRoute {
  const id = pack?.replace(/\.pack$/, '')
  if (id === undefined || more.length > 0 || !isId(id)) return missing('not /packs/PACK')
  return { kind: 'file', file: packFile(imageDirectory, id), root: imageDirectory, isImmutable: true, entityTag: id }
}

function routeVersion([id, name, ...more]: string[], imageDirectory: string): ContentRoute {
  if (id === undefined || name === undefined || !isId(id)) return missing('not /images/VERSION/FILE')
  if (name === 'renditions') return routeRendition(id, more, imageDirectory)
  if (name === 'deltas') return routeDelta({ version: id, name: 'tree' }, more, imageDirectory)
  if (more.length > 0) return missing('not /images/VERSION/FILE')
  if (!isVersionFile(name)) return missing('no such file of a version')
  const file = versionFile(imageDirectory, id, name)
  // Signatures are added to and locations are made anew; only the manifest is what the id is the hash of.
  return { kind: 'file', file, root: imageDirectory, isImmutable: name === 'manifest' }
}

/** A rendition is a cache: it may be removed and made again with other bytes, so nothing of it is immutable. */
function routeRendition(id: string, [rendition, name, ...more]: string[], imageDirectory: string): ContentRoute {
  if (rendition === undefined || name === undefined) return missing('not /images/VERSION/renditions/NAME/FILE')
  if (!isRenditionName(rendition)) return missing('no such rendition')
  if (name === 'deltas') return routeDelta({ version: id, name: rendition }, more, imageDirectory)
  if (more.length > 0 || !isVersionFile(name)) return missing('no such file of a rendition')
  const file = renditionFile(imageDirectory, id, rendition, name)
  return { kind: 'file', file, root: imageDirectory, isImmutable: false }
}

/** What leads to a tree or a volume from that of another version: a cache too. */
function routeDelta(
  to: { version: string; name: string },
  [parent, name, ...more]: string[],
  imageDirectory: string,
): ContentRoute {
  if (parent === undefined || more.length > 0 || !isId(parent) || (name !== 'index' && name !== 'data')) {
    return missing('not deltas/VERSION/index or data')
  }
  const file = deltaFile(imageDirectory, { ...to, parent }, name)
  return { kind: 'file', file, root: imageDirectory, isImmutable: false }
}

function isVersionFile(name: string): name is VersionFileName {
  return (versionFileNames as readonly string[]).includes(name)
}

function missing(reason: string): ContentRoute {
  return { kind: 'missing', reason }
}

function decodePath(target: string): string | undefined {
  const origin = /^https?:\/\/[^/?#]*/i.exec(target)?.[0] ?? ''
  const path = target.slice(origin.length).split('?', 1)[0]!
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}
