import type { Entry, TreeEntry } from './tree.ts'

/** One path of a tree with what stands under it: of hard links each path is one. */
export type Member = {
  path: string
  node: Entry
  /** The path that was met first, where this is another name of the same. */
  firstPath?: string
  /** How many paths it has in the tree, and which of them this is, from 1 on. */
  links: number
  nth: number
}

/** The paths of a tree in its order, each with the node that it names. */
export function* membersOf(entries: readonly TreeEntry[]): Generator<Member> {
  const totals = countLinks(entries)
  const groups = new Map<number, { node: Entry; met: number }>()
  for (const entry of entries) {
    if (entry.type === 'link') {
      const known = groups.get(entry.group)!
      known.met++
      const { node, met } = known
      yield { path: entry.path, node, firstPath: node.path, links: totals.get(entry.group)!, nth: met }
      continue
    }
    const group = 'group' in entry ? entry.group : undefined
    if (group !== undefined) groups.set(group, { node: entry, met: 1 })
    yield { path: entry.path, node: entry, links: group === undefined ? 1 : totals.get(group)!, nth: 1 }
  }
}

function countLinks(entries: readonly TreeEntry[]): Map<number, number> {
  const totals = new Map<number, number>()
  for (const entry of entries) {
    const group = 'group' in entry ? entry.group : undefined
    if (group !== undefined) totals.set(group, (totals.get(group) ?? 0) + 1)
  }
  return totals
}
