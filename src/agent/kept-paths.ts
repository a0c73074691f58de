import type { Tree } from '../image/tree.ts'

/*
 * Kept paths are directories of the deployed system that outlive its versions, as the layout names them: what is at and
 * below them is neither written nor removed nor compared. Written as in the tree: `srv/data`, no slash at the ends.
 */

/** The tree less what is at and below kept paths; its chunk table is the same. */
export function withoutKeptPaths(tree: Tree, keptPaths: readonly string[] = []): Tree {
  if (keptPaths.length === 0) return tree
  return { ...tree, entries: tree.entries.filter(({ path }) => !isKept(path, keptPaths)) }
}

/** At or below a kept path. */
export function isKept(path: string, keptPaths: readonly string[] = []): boolean {
  return keptPaths.some((kept) => path === kept || path.startsWith(`${kept}/`))
}

/** A kept path, or a directory on the way to one: it stays, whatever the tree says. */
export function leadsToKept(path: string, keptPaths: readonly string[] = []): boolean {
  return isKept(path, keptPaths) || keptPaths.some((kept) => kept.startsWith(`${path}/`))
}
