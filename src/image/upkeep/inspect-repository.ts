import { access, readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { DecodeError } from '../../bytes/decode-error.ts'
import { type ChunkLocation, chunkKey } from '../pack-index.ts'
import type { Repository } from '../repository.ts'
import { isId, isName, versionDirectory } from '../repository-layout.ts'
import { type CondemnedPacks, condemnedFile, decodeCondemned } from '../store/condemned-packs.ts'
import { listContents } from '../store/content-name.ts'
import type { UpkeepProgress } from './prune-result.ts'
import type { ContentScan } from './scan-content.ts'
import type { PackScan } from './scan-pack.ts'
import { ScanPool } from './scan-pool.ts'
import { listRamRootNames, type RamRootScan } from './scan-ram-root.ts'

export type InspectOptions = {
  /** SPKI; whose signatures versions must have. Without it signatures are only read. */
  publicKeyPem?: string | undefined
  onProgress?: ((progress: UpkeepProgress) => void) | undefined
  signal?: AbortSignal | undefined
}

export type TagFile = { image: string; tag: string; text: string }

/** All there is in a repository, and its state. */
export type Inspection = {
  contents: ContentScan[]
  ramRoots: RamRootScan[]
  /** Without those condemned. */
  packs: Map<string, PackScan>
  condemned: CondemnedPacks
  /** What is wrong with the list itself. */
  condemnedProblem: string | undefined
  /** Every place where the bytes of a chunk are right, by chunkKey(). */
  places: Map<string, ChunkLocation[]>
  /** Images for which there is a directory of tags. */
  taggedImages: string[]
  tags: TagFile[]
}

export type KnownScans = { known?: ReadonlyMap<string, PackScan>; ramRoots?: RamRootScan[] }

/**
 * Reads everything. `known` and `ramRoots` are scans from before of what cannot have changed since, or does not matter; `pool` one
 * to use again. Throws WorkerJobFailed.
 */
export async function inspectRepository(
  repository: Repository,
  options: InspectOptions,
  { known = new Map(), ramRoots: knownRamRoots, pool: given }: KnownScans & { pool?: ScanPool } = {},
): Promise<Inspection> {
  const { directory } = repository
  const { onProgress, signal } = options
  await using own = given ? undefined : new ScanPool(directory)
  const pool = given ?? own!
  // Contents first: what an import adds meanwhile has its packs before it can be seen.
  const names = await listContents(directory)
  let done = 0
  const scans = await pool.scanContents(names, options.publicKeyPem, report, signal)
  const { condemned, condemnedProblem } = await inspectCondemned(directory)
  const packIds = (await listPackFiles(directory)).filter((id) => !condemned.has(id))
  const packs = await scanPacks(pool, packIds, options, known)
  const contents = await withoutVanished(directory, scans)
  const ramRoots = knownRamRoots ?? (await scanRamRoots(pool, directory, options))
  return {
    contents,
    ramRoots,
    packs,
    condemned,
    condemnedProblem,
    places: placesOf(packs),
    ...(await readTags(directory)),
  }

  function report() {
    onProgress?.({ step: 'reading-manifests', done: ++done, total: names.length })
  }
}

async function scanRamRoots(pool: ScanPool, directory: string, { onProgress, signal }: InspectOptions) {
  const names = listRamRootNames(directory)
  let done = 0
  const report = () => onProgress?.({ step: 'reading-ramroots', done: ++done, total: names.length })
  return pool.scanRamRoots(names, report, signal)
}

async function scanPacks(
  pool: ScanPool,
  packIds: readonly string[],
  { onProgress, signal }: InspectOptions,
  known: ReadonlyMap<string, PackScan>,
): Promise<Map<string, PackScan>> {
  const packs = new Map<string, PackScan>()
  const fresh = packIds.filter((id) => !known.has(id))
  let done = 0
  await pool.scanPacks(
    fresh,
    (scan) => {
      packs.set(scan.packId, scan)
      onProgress?.({ step: 'reading-packs', done: ++done, total: fresh.length })
    },
    signal,
  )
  for (const id of packIds) if (known.has(id)) packs.set(id, known.get(id)!)
  return packs
}

/** Packs of which there is a file: the pack itself, its index, or both. */
async function listPackFiles(directory: string): Promise<string[]> {
  const names = await readdir(path.join(directory, 'packs'))
  const ids = names.map((name) => name.replace(/\.(pack|index)$/, '')).filter(isId)
  return [...new Set(ids)].sort()
}

function placesOf(packs: ReadonlyMap<string, PackScan>): Map<string, ChunkLocation[]> {
  const places = new Map<string, ChunkLocation[]>()
  for (const { packId, whole } of packs.values()) {
    for (const chunk of whole) {
      const key = chunkKey(chunk.id)
      const others = places.get(key)
      if (others) others.push({ ...chunk, packId })
      else places.set(key, [{ ...chunk, packId }])
    }
  }
  return places
}

/** Without what was removed while it was read. */
async function withoutVanished(directory: string, scans: ContentScan[]): Promise<ContentScan[]> {
  const present: ContentScan[] = []
  for (const scan of scans) {
    const isMissing = [scan.manifest, scan.signatures, scan.locations].every(({ kind }) => kind === 'absent')
    if (!isMissing || (await isThere(versionDirectory(directory, scan.content.version)))) present.push(scan)
  }
  return present
}

async function inspectCondemned(directory: string) {
  try {
    const condemned = decodeCondemned(await readFile(condemnedFile(directory), 'utf8'))
    return { condemned, condemnedProblem: undefined }
  } catch (error) {
    const condemned: CondemnedPacks = new Map()
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { condemned, condemnedProblem: undefined }
    if (error instanceof DecodeError) return { condemned, condemnedProblem: error.message }
    throw error
  }
}

async function readTags(directory: string): Promise<Pick<Inspection, 'taggedImages' | 'tags'>> {
  const tags: TagFile[] = []
  const taggedImages = (await readdir(path.join(directory, 'tags'))).filter(isName).sort()
  for (const image of taggedImages) {
    for (const tag of (await readdir(path.join(directory, 'tags', image))).filter(isName).sort()) {
      tags.push({ image, tag, text: await readFile(path.join(directory, 'tags', image, tag), 'latin1') })
    }
  }
  return { taggedImages, tags }
}

async function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}
