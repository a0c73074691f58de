import type { Version } from '../image/repository.ts'

/** A version as the Butterknife API shows it. */
export type Snapshot = {
  /** `snap` and the time it was made in milliseconds since the epoch. */
  name: string
  comment: string
  /** In the form of LXC's snapshots, UTC: `2026:11:20 19:36:59`. */
  timestamp: string
  version: string
}

/**
 * `snap` and a number that grows, because clients sort snapshots by what stands behind `snap`; the time, because it stays
 * when older versions are removed, and because no such name is the beginning of another.
 */
export function snapshotOf(version: Version): Snapshot {
  return {
    name: `snap${version.createdAt}`,
    comment: version.comment ?? '',
    timestamp: new Date(version.createdAt).toISOString().slice(0, 19).replaceAll('-', ':').replace('T', ' '),
    version: version.id,
  }
}

const shortestId = 12

/** The version a client names: by snapshot, by tag, or by the first twelve or more digits of its id. */
export function findSnapshot(versions: readonly Version[], wanted: string): Version | undefined {
  const named = versions.find((version) => snapshotOf(version).name === wanted || version.tags.includes(wanted))
  if (named) return named
  const byId = wanted.length < shortestId ? [] : versions.filter(({ id }) => id.startsWith(wanted))
  return byId.length === 1 ? byId[0] : undefined
}

export type ParentChoice = { kind: 'whole' } | { kind: 'against'; parent: Version } | { kind: 'unknown'; name: string }

/**
 * What the stream is to be a difference from. `parent` names the one snapshot the client has; `src` lists those it has
 * of which any will do (the form of the first releases, where an empty list asks for the whole): the newest one older
 * than `wanted` is taken, which is the most like it.
 */
export function chooseParent(
  versions: readonly Version[],
  wanted: Version,
  query: { parent?: string | undefined; src?: string | undefined },
): ParentChoice {
  if (query.parent !== undefined && query.parent !== '') {
    const parent = findSnapshot(versions, query.parent)
    if (!parent || parent.id === wanted.id) return { kind: 'unknown', name: query.parent }
    return { kind: 'against', parent }
  }
  const names = query.src?.split(',').filter((name) => name !== '') ?? []
  const held = names.map((name) => findSnapshot(versions, name)).filter((version) => version !== undefined)
  const others = held.filter(({ id }) => id !== wanted.id).sort((a, b) => b.createdAt - a.createdAt)
  const parent = others.find(({ createdAt }) => createdAt <= wanted.createdAt) ?? others.at(-1)
  return parent ? { kind: 'against', parent } : { kind: 'whole' }
}
