import type { Entry, Metadata, Tree, TreeEntry } from '../tree.ts'
import { haveSameContent, type TreeContents } from './tree-contents.ts'

/** An entry that is in both trees, is of the same type and under the same names. */
export type ChangedEntry = { before: Entry; after: Entry; hasOtherContent: boolean; hasOtherMetadata: boolean }

/** What has to be done to make one tree out of another. Paths and entries are in the order of their trees. */
export type TreeChanges = {
  /** Stand in the way of what comes: removed before anything is made. */
  replaced: TreeEntry[]
  removed: TreeEntry[]
  added: TreeEntry[]
  changed: ChangedEntry[]
  /** Existing directories in which something is added or removed; their times change by it. */
  touched: Set<string>
}

/** Compares two trees; contents are read only where the manifests do not tell. */
export async function compareTrees(have: TreeContents, want: TreeContents): Promise<TreeChanges> {
  const before = new Map(have.tree.entries.map((entry) => [entry.path, entry]))
  const after = new Map(want.tree.entries.map((entry) => [entry.path, entry]))
  const names = { before: namesOfGroups(have.tree), after: namesOfGroups(want.tree) }
  const stays = (old: TreeEntry, now: TreeEntry) =>
    old.type === now.type && namesOf(names.before, old) === namesOf(names.after, now)
  const changes: TreeChanges = { replaced: [], removed: [], added: [], changed: [], touched: new Set() }
  const goneDirectories = new Set<string>()
  for (const old of have.tree.entries) {
    const now = after.get(old.path)
    if (now && stays(old, now)) continue
    const isInTheWay = now !== undefined || goneDirectories.has(directoryOf(old.path))
    if (isInTheWay && old.type === 'directory') goneDirectories.add(old.path)
    changes[isInTheWay ? 'replaced' : 'removed'].push(old)
    changes.touched.add(directoryOf(old.path))
  }
  for (const now of want.tree.entries) {
    const old = before.get(now.path)
    if (!old || !stays(old, now)) {
      changes.added.push(now)
      changes.touched.add(directoryOf(now.path))
    } else if (now.type !== 'link' && old.type !== 'link') {
      const change = await compareEntries(have, old, want, now)
      if (change.hasOtherContent || change.hasOtherMetadata) changes.changed.push(change)
    }
  }
  return changes
}

async function compareEntries(
  have: TreeContents,
  before: Entry,
  want: TreeContents,
  after: Entry,
): Promise<ChangedEntry> {
  const hasOtherMetadata = !haveSameMetadata(before, after)
  let hasOtherContent = false
  if (before.type === 'file' && after.type === 'file')
    hasOtherContent = !(await haveSameContent(have, before, want, after))
  else if (before.type === 'symlink' && after.type === 'symlink') hasOtherContent = before.target !== after.target
  else if ('major' in before && 'major' in after) {
    hasOtherContent = before.major !== after.major || before.minor !== after.minor
  }
  return { before, after, hasOtherContent, hasOtherMetadata }
}

function haveSameMetadata(a: Metadata, b: Metadata): boolean {
  return (
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.mtimeSeconds === b.mtimeSeconds &&
    a.mtimeNanoseconds === b.mtimeNanoseconds &&
    a.xattrs.length === b.xattrs.length &&
    a.xattrs.every(({ name, value }, at) => b.xattrs[at]!.name === name && b.xattrs[at]!.value.equals(value))
  )
}

/** All names of each hard-link group, as one text. */
function namesOfGroups(tree: Tree): string[] {
  const names: string[] = []
  for (const entry of tree.entries) {
    if (entry.type === 'directory' || entry.group === undefined) continue
    names[entry.group] = `${names[entry.group] ?? ''}${entry.path}\0`
  }
  return names
}

function namesOf(groups: readonly string[], entry: TreeEntry): string {
  return entry.type === 'directory' || entry.group === undefined ? '' : groups[entry.group]!
}

export function directoryOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? '' : path.slice(0, slash)
}
