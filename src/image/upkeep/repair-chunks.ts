import { DecodeError } from '../../bytes/decode-error.ts'
import { ImportSession } from '../import-session.ts'
import { ChunkMissing } from '../locations.ts'
import { ManifestInvalid } from '../manifest-open.ts'
import { ChunkInvalid } from '../open-chunk.ts'
import type { Repository } from '../repository.ts'
import { packFile } from '../repository-layout.ts'
import { type ReadStore, StoreUnreachable } from '../store/chunk-store.ts'
import { readCondemned, writeCondemned } from '../store/condemned-packs.ts'
import type { ContentName } from '../store/content-name.ts'
import { readPackedChunk } from '../store/packed-chunk.ts'
import { listHolds } from '../store/repository-hold.ts'
import { withRepositoryLock } from '../store/repository-lock.ts'
import { copyChunks } from './copy-chunks.ts'
import type { Repair } from './damage.ts'
import type { Inspection } from './inspect-repository.ts'
import { findLosses, type Loss } from './judge.ts'
import type { UpkeepProgress } from './prune-result.ts'
import { type PackScan, scanPack } from './scan-pack.ts'

export type ChunkRepair = {
  repairs: Repair[]
  /** Sources that could not be asked. */
  unreachable: string[]
}

type Options = { onProgress?: ((progress: UpkeepProgress) => void) | undefined; signal?: AbortSignal | undefined }

/**
 * Gets what is missing from the sources, copies what is whole in damaged packs, and condemns those packs: from then on
 * no import takes a chunk in them for one that is there. What no source has can still come by a new import.
 */
export async function repairChunks(
  repository: Repository,
  inspection: Inspection,
  sources: readonly ReadStore[],
  options: Options,
): Promise<ChunkRepair> {
  const damaged = [...inspection.packs.values()].filter(
    ({ pack }) => pack.kind === 'damaged' || pack.kind === 'unreadable',
  )
  const losses = [...findLosses(inspection).values()]
  if (damaged.length === 0 && losses.length === 0) return { repairs: [], unreachable: [] }
  await using session = await ImportSession.begin(
    repository,
    damaged.map(({ packId }) => packId),
  )
  const repairs: Repair[] = []
  for (const scan of damaged) repairs.push(...(await salvage(repository, session, scan)))
  const waiting = [...inspection.condemned].filter(([, { reason }]) => reason === 'damaged').map(([id]) => id)
  const own = losses.length === 0 ? [] : waiting.map((packId) => new CondemnedSource(repository, packId))
  const fetched = await fetchChunks(session, losses, [...own, ...sources], options)
  const made = await session.publishPacks()
  // Where all its chunks were whole, the copy is the pack itself as it once was.
  const replaced = damaged.filter(({ packId }) => !made.has(packId))
  await condemn(repository, replaced)
  return { repairs: [...repairs, ...fetched.repairs], unreachable: fetched.unreachable }
}

async function salvage(repository: Repository, session: ImportSession, scan: PackScan): Promise<Repair[]> {
  const file = `packs/${scan.packId}.pack`
  if (scan.whole.length > 0) await copyChunks(repository, session, scan.packId, scan.whole)
  return [{ file, how: `its ${scan.whole.length} whole chunks were copied; the damaged file is no longer used` }]
}

async function fetchChunks(
  session: ImportSession,
  losses: readonly Loss[],
  sources: readonly ChunkSource[],
  { onProgress, signal }: Options,
): Promise<ChunkRepair> {
  const unreachable = new Set<string>()
  const taken = new Map<string, number>()
  let done = 0
  for (const { chunkId, holders } of losses) {
    signal?.throwIfAborted()
    const names = holders.map(({ content }) => content)
    for (const source of sources) {
      if (unreachable.has(source.origin)) continue
      const bytes = await tryRead(source, chunkId, names, unreachable)
      if (!bytes) continue
      await session.chunks.add(Uint8Array.from(bytes), () => undefined)
      taken.set(source.origin, (taken.get(source.origin) ?? 0) + 1)
      break
    }
    onProgress?.({ step: 'fetching', done: ++done, total: losses.length })
  }
  const repairs = [...taken].map(([origin, count]) => ({ file: 'packs', how: `${count} chunks taken from ${origin}` }))
  return { repairs, unreachable: [...unreachable] }
}

type ChunkSource = Pick<ReadStore, 'origin' | 'readChunk'>

/** Undefined where this source does not have it, or not whole. */
async function tryRead(
  source: ChunkSource,
  chunkId: string,
  holders: readonly ContentName[],
  unreachable: Set<string>,
): Promise<Buffer | undefined> {
  try {
    return await source.readChunk(chunkId, holders)
  } catch (error) {
    if (error instanceof StoreUnreachable) unreachable.add(source.origin)
    else if (!isNotHere(error)) throw error
    return undefined
  }
}

function isNotHere(error: unknown): boolean {
  return [ChunkMissing, ChunkInvalid, DecodeError, ManifestInvalid].some((known) => error instanceof known)
}

async function condemn(repository: Repository, damaged: readonly PackScan[]): Promise<void> {
  if (damaged.length === 0) return
  await withRepositoryLock(repository, async () => {
    const condemned = await readCondemned(repository.directory)
    const holds = await listHolds(repository)
    for (const { packId } of damaged) condemned.set(packId, { since: Date.now(), reason: 'damaged', holds })
    await writeCondemned(repository.directory, condemned)
  })
}

/** A pack that an earlier repair condemned: it may have been read wrongly then, or that repair was killed half-way. */
class CondemnedSource implements ChunkSource {
  readonly origin: string
  readonly #file: string
  readonly #packId: string
  #scan: PackScan | undefined

  constructor({ directory }: Repository, packId: string) {
    this.#file = packFile(directory, packId)
    this.origin = this.#file
    this.#packId = packId
  }

  async readChunk(id: string): Promise<Buffer> {
    this.#scan ??= scanPack(this.#packId, this.#file, this.#file.replace(/pack$/, 'index'))
    const chunk = this.#scan.whole.find((candidate) => candidate.id.toString('hex') === id)
    if (!chunk) throw new ChunkMissing(id, this.origin)
    return readPackedChunk(this.#file, chunk)
  }
}
