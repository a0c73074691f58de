/*
 * The one virtual tree that TFTP and HTTP serve: names of our own in front of files and directories of this machine.
 * Pure: it names the places where a file may be and the roots it must stay inside; the reader proves that after opening it.
 */

/**
 * `at` is a path of the tree without a slash at either end; '' puts a directory at the top. `alsoBelow`: directories beside
 * its own that its symbolic links may lead to. `isImmutable`: what lies there never changes, as its name is made from it.
 * `isAlias`: another name of something, left out of listings.
 */
export type TreeMount = ({ at: string; directory: string } | { at: string; file: string }) & {
  alsoBelow?: readonly string[]
  isImmutable?: boolean
  isAlias?: boolean
}
/** The first that has a file is the one it comes from. */
export type BootTree = readonly TreeMount[]

/** The opened file's real path must be one of `roots` or below it. */
export type TreePlace = { file: string; roots: readonly string[]; isImmutable: boolean }

export type TreeLookup =
  /** `path` is the normal form of what was asked for. */
  { kind: 'places'; path: string; places: readonly TreePlace[] } | { kind: 'missing'; reason: string }

/**
 * Where Debian's packages `ipxe`, `pxelinux`, `syslinux-common`, `shim-signed` and `grub-efi-amd64-signed` put the loaders of
 * chooseLoader(). shim asks for its second stage by this name, beside itself.
 */
export const debianLoaders: BootTree = [
  { at: 'ipxe/undionly.kpxe', file: '/usr/lib/ipxe/undionly.kpxe' },
  { at: 'ipxe/snponly.efi', file: '/usr/lib/ipxe/snponly.efi' },
  // Links to a file in /boot: mounted by itself, so that the link's target is its root.
  { at: 'ipxe/ipxe.efi', file: '/usr/lib/ipxe/ipxe.efi' },
  { at: 'shim/shimx64.efi', file: '/usr/lib/shim/shimx64.efi.signed' },
  { at: 'shim/mmx64.efi', file: '/usr/lib/shim/mmx64.efi.signed' },
  { at: 'shim/grubx64.efi', file: '/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed' },
  { at: 'pxelinux/lpxelinux.0', file: '/usr/lib/PXELINUX/lpxelinux.0' },
  { at: 'pxelinux', directory: '/usr/lib/syslinux/modules/bios' },
]

/** Where TFTP servers keep their files by default: what old configurations put in front of a name. */
export const usualTftpRoots = ['/var/lib/tftpboot', '/srv/tftp', '/tftpboot', '/var/lib/tftp', '/var/ftpd']

/** The operator's own directory, in front of everything else: at the top, and where the clients' configurations have it. */
export function filesMounts(directory: string, alsoBelow: readonly string[], oldRoots: readonly string[]): BootTree {
  const old = oldRoots.map((root) => splitPath(root).join('/'))
  return [{ at: '', directory, alsoBelow }, ...old.map((at) => ({ at, directory, alsoBelow, isAlias: true }))]
}

const longestPathLength = 512
/** GRUB writes its own card's address so where a hand-made configuration asks for `grub.cfg-01-$net_default_mac`. */
const macWithColons = /[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i

/** Firmware writes paths in its own ways: `\Boot\BCD`, `/ipxe/x`, `ipxe//x`. All become `ipxe/x`; `..` is refused. */
export function lookUp(tree: BootTree, wirePath: string): TreeLookup {
  const segments = normalise(wirePath)
  if (typeof segments === 'string') return { kind: 'missing', reason: segments }
  if (segments.length === 0) return { kind: 'missing', reason: 'the path is empty' }
  const path = segments.join('/')
  const names = [path, ...(macWithColons.test(path) ? [path.replaceAll(':', '-')] : [])]
  const places = names.flatMap((name) => tree.flatMap((mount) => placeIn(mount, name) ?? []))
  return places.length === 0 ? { kind: 'missing', reason: 'no such file' } : { kind: 'places', path, places }
}

/** What stands directly below a path of the tree: names that mounts have, and directories that may have more. */
export type TreeDirectory = { path: string; names: readonly string[]; places: readonly TreePlace[] }

/** Undefined where the path leaves the tree. '' is the top. */
export function lookUpDirectory(tree: BootTree, wirePath: string): TreeDirectory | undefined {
  const segments = normalise(wirePath)
  if (typeof segments === 'string') return undefined
  const path = segments.join('/')
  const prefix = path === '' ? '' : `${path}/`
  const names = tree
    .filter(({ at, isAlias }) => !isAlias && at.length > prefix.length && at.startsWith(prefix))
    .map((mount) => {
      const [name, ...more] = mount.at.slice(prefix.length).split('/')
      return 'file' in mount && more.length === 0 ? name! : `${name}/`
    })
  return { path, names: [...new Set(names)], places: tree.flatMap((mount) => directoryIn(mount, path) ?? []) }
}

function normalise(wirePath: string): string[] | string {
  if (wirePath.length > longestPathLength) return `the path has more than ${longestPathLength} characters`
  if (wirePath.includes('\0')) return 'the path has a NUL in it'
  const segments = splitPath(wirePath)
  return segments.includes('..') ? 'the path leaves the tree' : segments
}

function splitPath(path: string): string[] {
  return path
    .replaceAll('\\', '/')
    .split('/')
    .filter((segment) => segment !== '' && segment !== '.')
}

function placeIn(mount: TreeMount, path: string): TreePlace | undefined {
  if ('file' in mount) return path === mount.at ? placeOf(mount, mount.file, mount.file) : undefined
  if (mount.at !== '' && !path.startsWith(`${mount.at}/`)) return undefined
  const rest = mount.at === '' ? path : path.slice(mount.at.length + 1)
  return placeOf(mount, `${mount.directory}/${rest}`, mount.directory)
}

function directoryIn(mount: TreeMount, path: string): TreePlace | undefined {
  if ('file' in mount) return undefined
  return path === mount.at ? placeOf(mount, mount.directory, mount.directory) : placeIn(mount, path)
}

function placeOf({ alsoBelow = [], isImmutable = false }: TreeMount, file: string, root: string): TreePlace {
  return { file, roots: [root, ...alsoBelow], isImmutable }
}
