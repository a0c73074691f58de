import { stat } from 'node:fs/promises'
import { type ChunkLocation, chunkKey, listPacks } from '../pack-index.ts'
import { packFile } from '../repository-layout.ts'
import { type ContentName, formatContentName } from '../store/content-name.ts'
import type { ContentScan } from './scan-content.ts'

/** A manifest that cannot be read: nobody knows which chunks are still needed. */
export class NeedsUnknown extends Error {
  override readonly name = 'NeedsUnknown'
  readonly contents: readonly ContentName[]

  constructor(scans: readonly ContentScan[]) {
    const names = scans.map(({ content }) => formatContentName(content)).join(', ')
    const advice = "mend it with 'bootwright image verify --repair-from', or remove the version"
    super(`Cannot prune: the manifest of ${names} cannot be read, so nobody knows which chunks it needs; ${advice}`)
    this.contents = scans.map(({ content }) => content)
  }
}

export type PackNeed = {
  packId: string
  sizeBytes: number
  /** Chunks that are needed from this pack, where several have one, and what they take. */
  chunks: ChunkLocation[]
  neededBytes: number
}

/** Chunks that a set of contents needs, by chunkKey(). Throws NeedsUnknown. */
export function neededChunks(scans: readonly ContentScan[]): Set<string> {
  const unreadable = scans.filter(
    ({ chunks, manifest, signatures }) => !chunks && (manifest.kind !== 'absent' || signatures.kind !== 'absent'),
  )
  if (unreadable.length > 0) throw new NeedsUnknown(unreadable)
  const keys = new Set<string>()
  for (const { chunks } of scans) {
    for (let row = 0; row < (chunks?.count ?? 0); row++)
      keys.add(chunkKey(chunks!.ids.subarray(row * 32, row * 32 + 32)))
  }
  return keys
}

/** What is needed of each pack that is not condemned. */
export async function measureNeeds(
  directory: string,
  index: ReadonlyMap<string, ChunkLocation>,
  needed: ReadonlySet<string>,
  condemned: { has(packId: string): boolean },
): Promise<PackNeed[]> {
  const packs = new Map<string, PackNeed>()
  for (const packId of await listPacks(directory)) {
    if (condemned.has(packId)) continue
    const sizeBytes = await sizeOfPack(directory, packId)
    packs.set(packId, { packId, sizeBytes, chunks: [], neededBytes: 0 })
  }
  for (const [key, location] of index) {
    const pack = packs.get(location.packId)
    if (!pack || !needed.has(key)) continue
    pack.chunks.push(location)
    pack.neededBytes += location.storedBytes
  }
  return [...packs.values()]
}

/** 0 where it is gone. */
export async function sizeOfPack(directory: string, packId: string): Promise<number> {
  return stat(packFile(directory, packId)).then(
    ({ size }) => size,
    () => 0,
  )
}
