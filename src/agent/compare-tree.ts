import { availableParallelism } from 'node:os'
import type { Tree } from '../image/tree.ts'
import { WorkerPool } from '../image/worker-pool.ts'
import { takeTurns } from './take-turns.ts'
import type { TreeDifference, VerifyChunk, VerifyEntry, VerifyJob, VerifyReply } from './verify-tree-worker.ts'
import type { TreeProgress } from './write-tree.ts'
import { groupPaths, piecesOfRows } from './write-tree-plan.ts'

export type CompareTreeOptions = {
  /** Of the contents, how much is read: 1 is all. Which ones is chance; names and metadata are always compared. */
  share?: number | undefined
  onProgress?: ((progress: TreeProgress) => void) | undefined
  signal?: AbortSignal | undefined
}

const maxThreads = 8
const chunksAtOnce = 16
const entriesAtOnce = 512

/**
 * Reads what is on the disk, past the page cache, and gives every way in which it is not the tree. What the tree's paths
 * lead through must be directories. Throws WorkerJobFailed.
 */
export async function compareTree(
  tree: Tree,
  directory: string,
  { signal, share = 1, onProgress }: CompareTreeOptions,
): Promise<{ differences: TreeDifference[]; bytesRead: number }> {
  const threads = Math.min(maxThreads, availableParallelism())
  const program = new URL('./verify-tree-worker.ts', import.meta.url)
  await using pool = new WorkerPool<VerifyJob, VerifyReply>(program, threads)
  const differences: TreeDifference[] = []
  let bytesRead = 0
  const check = async (job: VerifyJob) => {
    signal?.throwIfAborted()
    const reply = await pool.run(job)
    bytesRead += reply.bytesRead
    for (const difference of reply.differences) differences.push(difference)
    onProgress?.({ bytesDone: bytesRead, bytesTotal: tree.sizeBytes })
  }
  await Promise.all(takeTurns([...verifyJobs(tree, directory, share)], threads * 2, check))
  return { differences, bytesRead }
}

function* verifyJobs(tree: Tree, directory: string, share: number): Generator<VerifyJob> {
  const chunks = describeRows(tree).filter(() => share === 1 || Math.random() < share)
  for (let at = 0; at < chunks.length; at += chunksAtOnce) {
    yield { kind: 'chunks', directory, chunks: chunks.slice(at, at + chunksAtOnce) }
  }
  const entries = describeEntries(tree)
  for (let at = 0; at < entries.length; at += entriesAtOnce) {
    yield { kind: 'entries', directory, entries: entries.slice(at, at + entriesAtOnce) }
  }
}

/** Row by row, also where the same chunk stands in several: each copy on the disk is read. */
function describeRows(tree: Tree): VerifyChunk[] {
  const { ids, sizes } = tree.chunks
  const chunks = piecesOfRows(tree).map((pieces, row) => {
    const id = new Uint8Array(ids.subarray(row * 32, row * 32 + 32))
    return { row, id, sizeBytes: sizes[row]!, pieces }
  })
  return chunks.filter(({ pieces }) => pieces.length > 0)
}

function describeEntries(tree: Tree): VerifyEntry[] {
  const firstPaths = groupPaths(tree)
  const names = namesByDirectory(tree)
  const linkCounts = countLinks(tree)
  return tree.entries.map((entry, at) => {
    if (entry.type === 'directory') return { at, entry, linkCount: 0, names: names.get(entry.path) ?? [] }
    const linkCount = entry.group === undefined ? 1 : linkCounts[entry.group]!
    return entry.type === 'link'
      ? { at, entry, linkCount, firstPath: firstPaths[entry.group]! }
      : { at, entry, linkCount }
  })
}

function countLinks(tree: Tree): number[] {
  const counts: number[] = []
  for (const entry of tree.entries) {
    if (entry.type !== 'directory' && entry.group !== undefined) counts[entry.group] = (counts[entry.group] ?? 0) + 1
  }
  return counts
}

function namesByDirectory(tree: Tree): Map<string, string[]> {
  const names = new Map<string, string[]>()
  for (const { path } of tree.entries) {
    if (path === '') continue
    const slash = path.lastIndexOf('/')
    const directory = slash < 0 ? '' : path.slice(0, slash)
    const siblings = names.get(directory)
    if (siblings) siblings.push(path.slice(slash + 1))
    else names.set(directory, [path.slice(slash + 1)])
  }
  return names
}
