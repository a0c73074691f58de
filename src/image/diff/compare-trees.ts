import { haveSameContent, type TreeContents } from '../renditions/tree-contents.ts'
import type { Entry, Metadata, Tree, TreeEntry } from '../tree.ts'

/** What of an entry is not as it was. `links`: it shares its content with other names than before. */
export type Aspect = 'type' | 'content' | 'target' | 'device' | 'mode' | 'owner' | 'xattrs' | 'time' | 'links'

/** One path that two trees do not have alike. `sizeBytes` of files; `type` is the new one where it changed. */
export type FileChange = {
  path: string
  change: 'added' | 'removed' | 'changed'
  type: Entry['type']
  sizeBytes?: number
  aspects?: Aspect[]
}

type Named = { entry: Entry /** All names of its hard-link group. */; names: string }

/**
 * The differences of two trees by path, in the order of the new one and then what is gone. Contents are read only where
 * the manifests do not tell. Throws ChunkMissing, StoredChunkInvalid.
 */
export async function* compareTrees(before: TreeContents, after: TreeContents): AsyncGenerator<FileChange> {
  const old = namedEntries(before.tree)
  for (const [path, now] of namedEntries(after.tree)) {
    const was = old.get(path)
    old.delete(path)
    if (!was) {
      yield { path, change: 'added', ...describeEntry(now.entry) }
      continue
    }
    const aspects = await aspectsOf(before, was, after, now)
    if (aspects.length > 0) yield { path, change: 'changed', ...describeEntry(now.entry), aspects }
  }
  for (const [path, { entry }] of old) yield { path, change: 'removed', ...describeEntry(entry) }
}

/** Every name with what it names: later names of a hard-link group have the entry of the first. */
function namedEntries(tree: Tree): Map<string, Named> {
  const groups: { first: Entry; names: string }[] = []
  for (const entry of tree.entries) {
    const group = groupOf(entry)
    if (group === undefined) continue
    if (entry.type === 'link') groups[group]!.names += `\0${entry.path}`
    else groups[group] = { first: entry, names: entry.path }
  }
  const named = tree.entries.map((entry): [string, Named] => {
    const group = groups[groupOf(entry) ?? -1]
    if (group) return [entry.path, { entry: group.first, names: group.names }]
    return [entry.path, { entry: entry as Entry, names: '' }]
  })
  return new Map(named)
}

function groupOf(entry: TreeEntry): number | undefined {
  return entry.type === 'directory' ? undefined : entry.group
}

function describeEntry(entry: Entry): { type: Entry['type']; sizeBytes?: number } {
  return { type: entry.type, ...(entry.type === 'file' && { sizeBytes: entry.sizeBytes }) }
}

async function aspectsOf(before: TreeContents, old: Named, after: TreeContents, now: Named): Promise<Aspect[]> {
  const [was, is] = [old.entry, now.entry]
  if (was.type !== is.type) return ['type']
  const aspects = metadataAspects(was, is)
  if (old.names !== now.names) aspects.unshift('links')
  if (was.type === 'file' && is.type === 'file') {
    if (!(await haveSameContent(before, was, after, is))) aspects.unshift('content')
  } else if (was.type === 'symlink' && is.type === 'symlink') {
    if (was.target !== is.target) aspects.unshift('target')
  } else if ('major' in was && 'major' in is && (was.major !== is.major || was.minor !== is.minor)) {
    aspects.unshift('device')
  }
  return aspects
}

function metadataAspects(was: Metadata, is: Metadata): Aspect[] {
  const aspects: Aspect[] = []
  if (was.mode !== is.mode) aspects.push('mode')
  if (was.uid !== is.uid || was.gid !== is.gid) aspects.push('owner')
  if (!haveSameXattrs(was, is)) aspects.push('xattrs')
  if (was.mtimeSeconds !== is.mtimeSeconds || was.mtimeNanoseconds !== is.mtimeNanoseconds) aspects.push('time')
  return aspects
}

function haveSameXattrs(was: Metadata, is: Metadata): boolean {
  return (
    was.xattrs.length === is.xattrs.length &&
    was.xattrs.every(({ name, value }, at) => is.xattrs[at]!.name === name && is.xattrs[at]!.value.equals(value))
  )
}
