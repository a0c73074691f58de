import { closeSync, openSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import type { Tree } from '../image/tree.ts'
import { WorkerPool } from '../image/worker-pool.ts'
import { syncFilesystem } from '../linux/page-cache.ts'
import { openVersion, type VersionOptions } from './open-version.ts'
import { takeTurns } from './take-turns.ts'
import type { VerifyChunk, VerifyEntry, VerifyJob, VerifyReply } from './verify-tree-worker.ts'
import type { TreeProgress } from './write-tree.ts'
import { groupPaths, piecesOfRows } from './write-tree-plan.ts'
import { VersionSource } from './write-tree-source.ts'

export type VerifyTreeOptions = VersionOptions & {
  targetDirectory: string
  onProgress?: ((progress: TreeProgress) => void) | undefined
}

/** What is on the disk is not the version. `differences` has up to twenty of them. */
export class TreeDiffers extends Error {
  override readonly name = 'TreeDiffers'
  readonly differences: readonly string[]

  constructor(directory: string, version: string, differences: readonly string[]) {
    super(`What was written to ${directory} is not version ${version}: ${differences.slice(0, 5).join('; ')}`)
    this.differences = differences
  }
}

const maxThreads = 8
const chunksAtOnce = 16
const entriesAtOnce = 512
const maxDifferences = 20

/**
 * Reads all of a written tree back from the disk, past the page cache, and compares every byte, every name and all metadata
 * with the signed manifest, which it fetches anew. Flushes the filesystem first. Throws TreeDiffers, and what
 * writeTree() throws about the manifest.
 */
export async function verifyTree(options: VerifyTreeOptions): Promise<{ bytesRead: number; entries: number }> {
  using source = new VersionSource(options)
  const { tree } = await openVersion(source, options)
  flush(options.targetDirectory)
  const threads = Math.min(maxThreads, availableParallelism())
  const program = new URL('./verify-tree-worker.ts', import.meta.url)
  await using pool = new WorkerPool<VerifyJob, VerifyReply>(program, threads)
  const differences: string[] = []
  let bytesRead = 0
  const check = async (job: VerifyJob) => {
    options.signal?.throwIfAborted()
    const reply = await pool.run(job)
    bytesRead += reply.bytesRead
    differences.push(...reply.differences)
    options.onProgress?.({ bytesDone: bytesRead, bytesTotal: tree.sizeBytes })
  }
  await Promise.all(takeTurns([...verifyJobs(tree, options.targetDirectory)], threads * 2, check))
  if (differences.length === 0) return { bytesRead, entries: tree.entries.length }
  throw new TreeDiffers(options.targetDirectory, options.version, differences.slice(0, maxDifferences))
}

function flush(directory: string): void {
  const fd = openSync(directory, 'r')
  try {
    syncFilesystem(fd)
  } finally {
    closeSync(fd)
  }
}

function* verifyJobs(tree: Tree, directory: string): Generator<VerifyJob> {
  const chunks = describeRows(tree)
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
  return piecesOfRows(tree).map((pieces, row) => {
    const id = new Uint8Array(ids.subarray(row * 32, row * 32 + 32))
    return { id, sizeBytes: sizes[row]!, pieces }
  })
}

function describeEntries(tree: Tree): VerifyEntry[] {
  const firstPaths = groupPaths(tree)
  const names = namesByDirectory(tree)
  return tree.entries.map((entry) => {
    if (entry.type === 'link') return { entry, firstPath: firstPaths[entry.group]! }
    return entry.type === 'directory' ? { entry, names: names.get(entry.path) ?? [] } : { entry }
  })
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
