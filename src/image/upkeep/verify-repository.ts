import type { Repository } from '../repository.ts'
import { lockUpkeep } from '../store/repository-lock.ts'
import type { VerifyReport } from './damage.ts'
import { type Inspection, type InspectOptions, inspectRepository } from './inspect-repository.ts'
import { judgeRepository } from './judge.ts'

/**
 * Reads every file of a repository, compares every chunk with its id, and names what is damaged and what that breaks.
 * Changes nothing; imports and deployments may go on. Throws RepositoryBusy while a prune or repair runs.
 */
export async function verifyRepository(repository: Repository, options: InspectOptions = {}): Promise<VerifyReport> {
  await using _ = await lockWhereAllowed(repository, options.signal)
  const startedAt = performance.now()
  return reportOf(await inspectRepository(repository, options), performance.now() - startedAt)
}

export function reportOf(inspection: Inspection, durationMs: number): VerifyReport {
  const damages = judgeRepository(inspection)
  const packs = [...inspection.packs.values()].filter(({ pack }) => pack.kind !== 'absent')
  const trees = inspection.contents.filter(({ content }) => content.rendition === undefined)
  return {
    isWhole: damages.length === 0,
    damages,
    versions: trees.length,
    renditions: inspection.contents.length - trees.length + inspection.ramRoots.length,
    packs: packs.length,
    chunks: sum(packs.map(({ whole }) => whole.length)),
    bytesRead:
      sum(packs.map(({ sizeBytes }) => sizeBytes)) + sum(inspection.ramRoots.map(({ bytesRead }) => bytesRead)),
    condemnedPacks: inspection.condemned.size,
    durationMs: Math.round(durationMs),
  }
}

function sum(figures: readonly number[]): number {
  return figures.reduce((all, figure) => all + figure, 0)
}

/** A repository that may only be read is not pruned by us either. */
async function lockWhereAllowed(repository: Repository, signal?: AbortSignal): Promise<AsyncDisposable> {
  try {
    return await lockUpkeep(repository, 'shared', signal)
  } catch (error) {
    if (!['EACCES', 'EROFS', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    return { [Symbol.asyncDispose]: async () => undefined }
  }
}
