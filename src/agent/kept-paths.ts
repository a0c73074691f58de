import type { Tree } from '../image/tree.ts'
import { groupPaths } from './write-tree-plan.ts'

/*
 * Kept paths are directories of the deployed system that outlive its versions, as the layout names them: what is at and
 * below them is neither written nor removed nor compared. Written as in the tree: `srv/data`, no slash at the ends.
 */

/** A path cannot be kept, because the version has hard links between it and what is written. */
export class KeptPathLinked extends Error {
  override readonly name = 'KeptPathLinked'

  constructor(path: string, keptPaths: readonly string[]) {
    super(
      `Cannot keep ${keptPaths.map((kept) => `/${kept}`).join(', ')}: in the version /${path.toWellFormed()} is a hard link ` +
        'to a file below it; keep another directory, or make the image without that link',
    )
  }
}

/** The tree less what is at and below kept paths; its chunk table is the same. Throws KeptPathLinked. */
export function withoutKeptPaths(tree: Tree, keptPaths: readonly string[] = []): Tree {
  if (keptPaths.length === 0) return tree
  const entries = tree.entries.filter(({ path }) => !isKept(path, keptPaths))
  const firstPaths = groupPaths(tree)
  const linked = entries.find((entry) => entry.type === 'link' && isKept(firstPaths[entry.group]!, keptPaths))
  if (linked) throw new KeptPathLinked(linked.path, keptPaths)
  return { ...tree, entries }
}

/** At or below a kept path. */
export function isKept(path: string, keptPaths: readonly string[] = []): boolean {
  return keptPaths.some((kept) => path === kept || path.startsWith(`${kept}/`))
}

/** A kept path, or a directory on the way to one: it stays, whatever the tree says. */
export function leadsToKept(path: string, keptPaths: readonly string[] = []): boolean {
  return isKept(path, keptPaths) || keptPaths.some((kept) => kept.startsWith(`${path}/`))
}
