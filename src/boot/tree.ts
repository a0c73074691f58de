/*
 * The one virtual tree that TFTP and HTTP serve: names of our own in front of files and directories of this machine.
 * Pure: it names the file and the root the file must stay inside; the reader proves that after opening it.
 */

/** `at` is a path of the tree without a slash at either end; '' puts a directory at the top. */
export type TreeMount = { at: string; directory: string } | { at: string; file: string }
export type BootTree = readonly TreeMount[]

export type TreeLookup =
  /** The opened file's real path must be `root` or below it. `path` is the normal form of what was asked for. */
  { kind: 'file'; path: string; file: string; root: string } | { kind: 'missing'; reason: string }

/** Where Debian's packages `ipxe`, `pxelinux` and `syslinux-common` put the loaders of chooseLoader(). */
export const debianLoaders: BootTree = [
  { at: 'ipxe/undionly.kpxe', file: '/usr/lib/ipxe/undionly.kpxe' },
  { at: 'ipxe/snponly.efi', file: '/usr/lib/ipxe/snponly.efi' },
  // Links to a file in /boot: mounted by itself, so that the link's target is its root.
  { at: 'ipxe/ipxe.efi', file: '/usr/lib/ipxe/ipxe.efi' },
  { at: 'pxelinux/lpxelinux.0', file: '/usr/lib/PXELINUX/lpxelinux.0' },
  { at: 'pxelinux', directory: '/usr/lib/syslinux/modules/bios' },
]

const longestPathLength = 512

/**
 * Firmware writes paths in its own ways: `\Boot\BCD`, `/ipxe/x`, `ipxe//x`. All become `ipxe/x`; `..` is refused.
 * Of several mounts the longest name wins.
 */
export function lookUp(tree: BootTree, wirePath: string): TreeLookup {
  const segments = normalise(wirePath)
  if (typeof segments === 'string') return { kind: 'missing', reason: segments }
  const path = segments.join('/')
  let best: TreeMount | undefined
  for (const mount of tree) {
    if (covers(mount, path) && (best === undefined || mount.at.length > best.at.length)) best = mount
  }
  if (best === undefined) return { kind: 'missing', reason: 'no such file' }
  if ('file' in best) return { kind: 'file', path, file: best.file, root: best.file }
  const rest = best.at === '' ? path : path.slice(best.at.length + 1)
  return { kind: 'file', path, file: `${best.directory}/${rest}`, root: best.directory }
}

function normalise(wirePath: string): string[] | string {
  if (wirePath.length > longestPathLength) return `the path has more than ${longestPathLength} characters`
  if (wirePath.includes('\0')) return 'the path has a NUL in it'
  const segments = wirePath
    .replaceAll('\\', '/')
    .split('/')
    .filter((segment) => segment !== '' && segment !== '.')
  if (segments.includes('..')) return 'the path leaves the tree'
  if (segments.length === 0) return 'the path is empty'
  return segments
}

function covers(mount: TreeMount, path: string): boolean {
  if ('file' in mount) return path === mount.at
  return mount.at === '' || path.startsWith(`${mount.at}/`)
}
