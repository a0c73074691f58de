import { readChunkIndex } from '../pack-index.ts'
import type { Repository } from '../repository.ts'
import type { ReadStore } from '../store/chunk-store.ts'
import { writeCondemned } from '../store/condemned-packs.ts'
import { lockUpkeep, withRepositoryLock } from '../store/repository-lock.ts'
import type { Repair, VerifyReport } from './damage.ts'
import { type Inspection, type InspectOptions, inspectRepository } from './inspect-repository.ts'
import { areLocationsOutdated } from './judge.ts'
import { refreshLocations } from './refresh-locations.ts'
import { repairChunks } from './repair-chunks.ts'
import { type FileSources, repairContents, repairIndexes } from './repair-files.ts'
import { type MakeRamRoot, repairRamRoots } from './repair-ram-roots.ts'
import type { PackScan } from './scan-pack.ts'
import { ScanPool } from './scan-pool.ts'
import { reportOf } from './verify-repository.ts'

export type RepairOptions = InspectOptions & {
  /** Asked in this order for what the repository itself has no more; what they give is compared with its name. */
  sources?: readonly ReadStore[] | undefined
  /** Makes anew what runs a version from memory; where it is not given, that waits until it is asked for. */
  makeRamRoot?: MakeRamRoot | undefined
}

export type RepairResult = {
  before: VerifyReport
  repairs: Repair[]
  /** Sources that could not be asked. */
  unreachable: string[]
  after: VerifyReport
}

/**
 * Verifies, mends what can be mended, and verifies again. Nothing that may be good is deleted; killed at any moment, it
 * can be run again. Throws RepositoryBusy, StorageFull, StorageBroken.
 */
export async function repairRepository(repository: Repository, options: RepairOptions = {}): Promise<RepairResult> {
  await using _ = await lockUpkeep(repository, 'exclusive', options.signal)
  const startedAt = performance.now()
  await using pool = new ScanPool(repository.directory)
  const found = await inspectRepository(repository, options, { pool })
  const before = reportOf(found, performance.now() - startedAt)
  if (before.isWhole) return { before, repairs: [], unreachable: [], after: before }
  const from: FileSources = { sources: options.sources ?? [], publicKeyPem: options.publicKeyPem }
  const repairs = await repairCondemned(repository, found)
  repairs.push(...(await repairIndexes(repository, found)), ...(await repairContents(repository, found, from)))
  // Manifests that came back say which chunks they need; packs are as they were.
  const readable = await inspectRepository(repository, options, { pool, known: found.packs, ramRoots: found.ramRoots })
  const chunks = await repairChunks(repository, readable, from.sources, options)
  repairs.push(...chunks.repairs, ...(await repairLocations(repository, options, { pool, known: readable.packs })))
  // From trees that are as whole as they can be
  repairs.push(...(await repairRamRoots(repository, found, options.makeRamRoot)))
  const mendedAt = performance.now()
  const after = reportOf(await inspectRepository(repository, options, { pool }), performance.now() - mendedAt)
  return { before, repairs, unreachable: chunks.unreachable, after }
}

/** A list that cannot be read counts as empty, and so can be written as such. */
async function repairCondemned(repository: Repository, { condemnedProblem }: Inspection): Promise<Repair[]> {
  if (condemnedProblem === undefined) return []
  await withRepositoryLock(repository, () => writeCondemned(repository.directory, new Map()))
  return [{ file: 'condemned', how: 'made anew; the next prune fills it' }]
}

async function repairLocations(
  repository: Repository,
  options: InspectOptions,
  { pool, known }: { pool: ScanPool; known: ReadonlyMap<string, PackScan> },
): Promise<Repair[]> {
  const whole = new Map([...known].filter(([, { pack }]) => pack.kind === 'whole'))
  const inspection = await inspectRepository(repository, options, { pool, known: whole, ramRoots: [] })
  const index = await readChunkIndex(repository.directory)
  const repairs: Repair[] = []
  for (const scan of inspection.contents) {
    if (scan.locations.kind === 'whole' && !areLocationsOutdated(inspection, scan)) continue
    if (!(await refreshLocations(repository, scan, index))) continue
    const { version, rendition } = scan.content
    const directory = `versions/${version}${rendition === undefined ? '' : `/renditions/${rendition}`}`
    repairs.push({ file: `${directory}/locations`, how: 'made again from the packs' })
  }
  return repairs
}
