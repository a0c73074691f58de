import type { Tree } from '../image/tree.ts'
import { BegunTree } from './begun-tree.ts'
import { EarlyFlush } from './early-flush.ts'
import { withoutKeptPaths } from './kept-paths.ts'
import { OldVersion } from './old-version.ts'
import type { VersionOptions } from './open-version.ts'
import { keptPathsThere, planReuse, type ReusePlan } from './reuse-tree.ts'
import { TargetDirectories } from './target-directories.ts'
import { workOfWholeTree } from './tree-work.ts'
import { TreeWriter } from './tree-writer.ts'

/** Bytes of files' content, of all that the tree holds. */
export type TreeProgress = { bytesDone: number; bytesTotal: number }

export type WriteTreeOptions = VersionOptions & {
  /** A freshly made filesystem, or one whose files are to become this tree where `reuse` is given. */
  targetDirectory: string
  reuse?: ReuseRequest | undefined
  onProgress?: ((progress: TreeProgress & { bytesFetched: number }) => void) | undefined
}

export type ReuseRequest = {
  /** Directories of the tree that stay as they are, with all that is in them (kept-paths.ts). */
  keptPaths?: readonly string[]
  /** What was written to this machine before: helps to fetch less, where the server still has it (old-version.ts). */
  previousVersion?: string | undefined
}

/** Content that was fetched, that came onto the disk by it, and that was there already. */
export type WriteTreeResult = { bytesFetched: number; bytesWritten: number; bytesReused: number }

/** A tree is only written where something is when that was asked for: all that is not in the tree goes. */
export class TargetNotEmpty extends Error {
  override readonly name = 'TargetNotEmpty'
}

/** Ranges in memory: more than are fetched at once, so that the link has work while the disk is busy. */
const lanes = 16
const flushEveryBytes = 64 * 1024 * 1024

/**
 * Fetches a version's tree, checks every byte of it against the signed manifest before it is written, and writes it. What
 * is there already and equal stays. A server that goes away is waited for, and the write goes on where it was; an agent
 * that is started again begins with what it finds. The caller flushes. `begun` is of the same version, and closed at the end.
 * Throws SignatureRefused, ManifestInvalid, DecodeError, ChunkInvalid, FetchFailed, TargetNotEmpty, WorkerJobFailed.
 */
export async function writeTree(options: WriteTreeOptions, begun = new BegunTree(options)): Promise<WriteTreeResult> {
  await using version = begun
  const { source, pool } = version
  const directory = options.targetDirectory.replace(/(?<=.)\/+$/, '')
  const whole = await version.tree
  const keptPaths = options.reuse ? keptPathsThere(directory, options.reuse.keptPaths) : []
  const tree = withoutKeptPaths(whole, keptPaths)
  const directories = new TargetDirectories(tree, directory)
  const plan = await planWrite(tree, { directory, directories, keptPaths, options })
  await using flush = new EarlyFlush(directory, flushEveryBytes)
  const writer = new TreeWriter({ tree, plan, source, pool, flush, directory, directories, keptPaths, options })
  writer.makeRoom()
  writer.makePlaces()
  const members = writer.writeMembers()
  members.catch(() => undefined) // met below
  const previousVersion = options.reuse?.previousVersion
  if (previousVersion !== undefined && previousVersion !== options.version && writer.missingRows.length > 0) {
    const old = await OldVersion.open(source, { version: options.version, previousVersion, tree })
    if (old) await writer.writeFromOld(old, lanes)
  }
  if (writer.missingRows.length > 0) await writer.writeChunks(await version.locations, lanes)
  await members
  await writer.finishFiles()
  writer.removeExtras()
  directories.finish()
  await flush.finish()
  const { bytesWritten, bytesReused } = writer
  return { bytesFetched: source.bytesFetched, bytesWritten, bytesReused }
}

type Target = {
  directory: string
  directories: TargetDirectories
  keptPaths: readonly string[]
  options: WriteTreeOptions
}

async function planWrite(tree: Tree, target: Target): Promise<ReusePlan> {
  const { directory, directories, keptPaths, options } = target
  const there = directories.listThere()
  if (there.length > 0 && options.reuse) {
    const { signal, onProgress } = options
    const report = onProgress && ((read: TreeProgress) => onProgress({ ...read, bytesFetched: 0 }))
    return planReuse(tree, directories, { directory, keptPaths, signal, onProgress: report })
  }
  if (there.length > 0) {
    const seen = there.slice(0, 5).join(', ')
    throw new TargetNotEmpty(`Cannot write a tree into ${directory}: it already holds ${seen}; use a new filesystem`)
  }
  directories.openAnew()
  return { work: workOfWholeTree(tree), extras: [], bytesReused: 0 }
}
