import { readFile, rm } from 'node:fs/promises'
import { syncDirectory } from '../durable-file.ts'
import { chunkKey, readPackChunks } from '../pack-index.ts'
import type { Repository } from '../repository.ts'
import { packFile, packIndexFile } from '../repository-layout.ts'
import { type CondemnedPacks, readCondemned, writeCondemned } from '../store/condemned-packs.ts'
import { type ContentName, contentFile, listContents } from '../store/content-name.ts'
import { listHolds } from '../store/repository-hold.ts'
import { withRepositoryLock } from '../store/repository-lock.ts'
import { sizeOfPack } from './pack-needs.ts'
import type { PrunedPack, PruneResult } from './prune-result.ts'

export type Sentence = {
  graceMs: number
  /** Packs that no content needed when the contents were read. */
  unneeded: readonly string[]
  /** Needed chunks that no pack has but, perhaps, a condemned one. */
  missing: ReadonlySet<string>
}

/**
 * Condemns packs, and deletes those whose time has come: condemned for the grace, and of the holds that were there then
 * none is left. One step under the lock, in which no locations name such a pack, whoever wrote them since.
 */
export async function condemnAndDelete(
  repository: Repository,
  sentence: Sentence,
): Promise<Pick<PruneResult, 'deleted' | 'waiting' | 'keptDamaged'>> {
  const { directory } = repository
  return withRepositoryLock(repository, async () => {
    const condemned = await readCondemned(directory)
    const live = await listHolds(repository)
    const now = Date.now()
    for (const packId of sentence.unneeded) {
      if (!condemned.has(packId)) condemned.set(packId, { since: now, reason: 'unused', holds: live })
    }
    const keptDamaged = await reprieve(repository, condemned, sentence)
    await writeCondemned(directory, condemned)
    const kept = new Set(keptDamaged.map(({ packId }) => packId))
    const deleted: PrunedPack[] = []
    const waiting: PruneResult['waiting'] = []
    for (const [packId, { since, holds }] of condemned) {
      if (kept.has(packId)) continue
      const pack = { packId, sizeBytes: await sizeOfPack(directory, packId) }
      const left = holds.filter((name) => live.includes(name))
      if (left.length > 0 || since + sentence.graceMs > now) {
        waiting.push({ ...pack, deletableAt: since + sentence.graceMs, holds: left })
        continue
      }
      // The pack first: an index without its pack is never looked at.
      await rm(packFile(directory, packId), { force: true })
      await rm(packIndexFile(directory, packId), { force: true })
      deleted.push(pack)
    }
    if (deleted.length > 0) await forget(directory, condemned, deleted)
    return { deleted, waiting, keptDamaged }
  })
}

async function forget(directory: string, condemned: CondemnedPacks, deleted: readonly PrunedPack[]): Promise<void> {
  await syncDirectory(`${directory}/packs`)
  for (const { packId } of deleted) condemned.delete(packId)
  await writeCondemned(directory, condemned)
}

/** Takes off the list what is needed after all. Damaged packs stay on it, and are not deleted while they may be of use. */
async function reprieve(
  { directory }: Repository,
  condemned: CondemnedPacks,
  { missing }: Sentence,
): Promise<PrunedPack[]> {
  const needed = new Set<string>()
  for (const content of await listContents(directory)) {
    for (const packId of await packsNamed(directory, content)) needed.add(packId)
  }
  if (missing.size > 0) {
    for (const [packId, { reason }] of condemned) {
      if (reason === 'damaged' || (await hasAny(directory, packId, missing))) needed.add(packId)
    }
  }
  const keptDamaged: PrunedPack[] = []
  for (const packId of needed) {
    const reason = condemned.get(packId)?.reason
    if (reason === 'unused') condemned.delete(packId)
    else if (reason === 'damaged') keptDamaged.push({ packId, sizeBytes: await sizeOfPack(directory, packId) })
  }
  return keptDamaged
}

/** Packs that the locations of a content name; read as plainly as can be, because it is done under the lock. */
async function packsNamed(directory: string, content: ContentName): Promise<string[]> {
  try {
    const text = await readFile(contentFile(directory, content, 'locations'), 'latin1')
    return [...text.matchAll(/^\{"pack":"([0-9a-f]{64})"/gm)].map(([, packId]) => packId!)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

async function hasAny(directory: string, packId: string, keys: ReadonlySet<string>): Promise<boolean> {
  return (await readPackChunks(directory, packId)).some(({ id }) => keys.has(chunkKey(id)))
}
