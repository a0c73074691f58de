import { ImportSession } from '../import-session.ts'
import { ChunkInvalid } from '../open-chunk.ts'
import { type ChunkLocation, readChunkIndex } from '../pack-index.ts'
import type { Repository } from '../repository.ts'
import { type CondemnedPacks, readCondemned } from '../store/condemned-packs.ts'
import { listContents } from '../store/content-name.ts'
import { lockUpkeep } from '../store/repository-lock.ts'
import { copyChunks } from './copy-chunks.ts'
import { condemnAndDelete } from './delete-packs.ts'
import { removeLeftovers } from './leftovers.ts'
import { measureNeeds, neededChunks, type PackNeed, sizeOfPack } from './pack-needs.ts'
import type { PruneOptions, PruneResult } from './prune-result.ts'
import { refreshLocations } from './refresh-locations.ts'
import type { ContentScan } from './scan-content.ts'
import { ScanPool } from './scan-pool.ts'

export const defaultGraceMs = 24 * 60 * 60 * 1000
const defaultRewriteFrom = 0.3

/**
 * Removes what no version needs: packs of which nothing is needed, and those of which little is, after what is needed was
 * copied. Imports and deployments go on meanwhile, in any process; docs/adr/0003-pruning.md says why that is safe. Killed
 * at any moment it can be run again. Throws NeedsUnknown, RepositoryBusy, StorageFull, StorageBroken.
 */
export async function pruneRepository(repository: Repository, options: PruneOptions = {}): Promise<PruneResult> {
  const { graceMs = defaultGraceMs, rewriteFrom = defaultRewriteFrom, onProgress } = options
  await using _ = await lockUpkeep(repository, 'exclusive', options.signal)
  const found = await readNeeds(repository, options)
  const unneeded = found.packs.filter(({ chunks }) => chunks.length === 0)
  const sparse = found.packs.filter(
    ({ chunks, neededBytes, sizeBytes }) => chunks.length > 0 && 1 - neededBytes / sizeBytes >= rewriteFrom,
  )
  const sums = {
    totalBytes: found.totalBytes,
    neededBytes: found.packs.reduce((sum, pack) => sum + pack.neededBytes, 0),
  }
  if (options.dryRun) return { ...sums, ...foresee(found.condemned, graceMs, unneeded, sparse) }
  const { rewritten, made } = await copyNeeded(repository, { sparse, unneeded }, options)
  // A copy may be, byte for byte, a pack there was.
  const going = [...unneeded, ...rewritten].filter(({ packId }) => !made.has(packId))
  await leavePacks(repository, found, going)
  const fate = await condemnAndDelete(repository, {
    graceMs,
    unneeded: going.map(({ packId }) => packId),
    missing: new Set([...found.needed].filter((key) => !found.index.has(key))),
  })
  onProgress?.({ step: 'deleting', done: fate.deleted.length, total: fate.deleted.length })
  return {
    ...sums,
    ...fate,
    rewritten: rewritten.map(pruned),
    copiedBytes: rewritten.reduce((sum, { neededBytes }) => sum + neededBytes, 0),
    leftovers: await removeLeftovers(repository),
  }
}

type Needs = {
  contents: ContentScan[]
  needed: Set<string>
  index: Map<string, ChunkLocation>
  packs: PackNeed[]
  condemned: CondemnedPacks
  /** Of all packs, condemned ones too. */
  totalBytes: number
}

async function readNeeds({ directory }: Repository, { onProgress, signal }: PruneOptions): Promise<Needs> {
  const names = await listContents(directory)
  let done = 0
  const report = () => onProgress?.({ step: 'reading-manifests', done: ++done, total: names.length })
  await using pool = new ScanPool(directory)
  const contents = await pool.scanContents(names, undefined, report, signal)
  const needed = neededChunks(contents)
  const condemned = await readCondemned(directory)
  const index = await readChunkIndex(directory, condemned)
  const packs = await measureNeeds(directory, index, needed, condemned)
  let totalBytes = packs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  for (const packId of condemned.keys()) totalBytes += await sizeOfPack(directory, packId)
  return { contents, needed, index, packs, condemned, totalBytes }
}

/** Copies what is needed of packs into new ones. A damaged pack is left to a repair. */
async function copyNeeded(
  repository: Repository,
  { sparse, unneeded }: { sparse: readonly PackNeed[]; unneeded: readonly PackNeed[] },
  { onProgress, signal }: PruneOptions,
): Promise<{ rewritten: PackNeed[]; made: ReadonlySet<string> }> {
  if (sparse.length === 0) return { rewritten: [], made: new Set() }
  const going = [...unneeded, ...sparse].map(({ packId }) => packId)
  await using session = await ImportSession.begin(repository, going)
  const copied: PackNeed[] = []
  for (const pack of sparse) {
    signal?.throwIfAborted()
    if (await tryCopy(repository, session, pack)) copied.push(pack)
    onProgress?.({ step: 'copying', done: copied.length, total: sparse.length })
  }
  return { rewritten: copied, made: await session.publishPacks() }
}

/** No locations name these packs afterwards, where the chunks are elsewhere. */
async function leavePacks(repository: Repository, { contents }: Needs, packs: readonly PackNeed[]): Promise<void> {
  const left = new Set(packs.map(({ packId }) => packId))
  if (!contents.some((scan) => namesAny(scan, left))) return
  const index = await readChunkIndex(repository.directory, without(left, await readCondemned(repository.directory)))
  for (const scan of contents) {
    if (namesAny(scan, left)) await refreshLocations(repository, scan, index)
  }
}

async function tryCopy(repository: Repository, session: ImportSession, pack: PackNeed): Promise<boolean> {
  try {
    await copyChunks(repository, session, pack.packId, pack.chunks)
    return true
  } catch (error) {
    if (error instanceof ChunkInvalid) return false
    throw error
  }
}

function without(...sets: { has(packId: string): boolean }[]): { has(packId: string): boolean } {
  return { has: (packId) => sets.some((set) => set.has(packId)) }
}

function namesAny({ places }: ContentScan, packIds: ReadonlySet<string>): boolean {
  return places?.some(({ packId }) => packIds.has(packId)) ?? false
}

function foresee(
  condemned: CondemnedPacks,
  graceMs: number,
  unneeded: readonly PackNeed[],
  sparse: readonly PackNeed[],
): Omit<PruneResult, 'totalBytes' | 'neededBytes'> {
  const deletableAt = Date.now() + graceMs
  const known = [...condemned].map(([packId, { since, holds }]) => ({
    packId,
    sizeBytes: 0,
    deletableAt: since + graceMs,
    holds,
  }))
  return {
    deleted: [],
    waiting: [...known, ...[...unneeded, ...sparse].map((pack) => ({ ...pruned(pack), deletableAt, holds: [] }))],
    rewritten: sparse.map(pruned),
    copiedBytes: sparse.reduce((sum, { neededBytes }) => sum + neededBytes, 0),
    keptDamaged: [],
    leftovers: [],
  }
}

function pruned({ packId, sizeBytes }: PackNeed): { packId: string; sizeBytes: number } {
  return { packId, sizeBytes }
}
