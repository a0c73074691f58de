import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { importTar } from '../src/image/import-tar.ts'
import { ensureRendition } from '../src/image/renditions/ensure-rendition.ts'
import { openRepository, type Repository } from '../src/image/repository.ts'
import { openSigningKey, type SigningKey } from '../src/image/signing-key.ts'
import { type Benchmark, judgeGoal } from './benchmark.ts'
import { median } from './measure.ts'
import { runPipeline } from './peer.ts'
import { fetchPeer, type PeerProgram } from './peer-program.ts'
import { debianVersions } from './store/debian-versions.ts'
import { fetchCost } from './store/fetch-costs.ts'
import { TarballSizes } from './store/tarball-sizes.ts'
import { storedBytes } from './stored-bytes.ts'

export const name = 'store'
export const describe =
  'ten versions of a Debian: bytes stored beside casync and tarballs, bytes to fetch a step beside zstd --patch-from (needs root)'

const deadlineMs = 3_600_000

/** Bytes do not change from round to round: it is done once, however many rounds are asked for. */
export const run: Benchmark['run'] = async ({ log }) => {
  const work = await mkdtemp(join(tmpdir(), 'bootwright-bench-'))
  try {
    const tars = await debianVersions(log)
    const key = await openSigningKey(join(work, 'keys'))
    const repository = await openRepository(join(work, 'store'))
    const ids = await importAll(repository, tars, key, log)
    const treeBytes = await storedBytes(repository.directory)
    const casyncBytes = await storeWithCasync(work, tars, log)
    const sizes = await TarballSizes.open(tars, log)
    const tarballs: number[] = []
    for (const tar of tars) tarballs.push(await sizes.best(tar))
    const floors: number[] = []
    for (const [at, tar] of tars.entries()) if (at > 0) floors.push(await sizes.against(tars[at - 1]!, tar))
    const volumes = await makeVolumes(repository, ids, key, 'lineage', log)
    const rebuilt = await openRepository(join(work, 'rebuilt'))
    await importAll(rebuilt, tars, key, log)
    const rebuiltVolumes = await makeVolumes(rebuilt, ids, key, 'rebuilt', log)
    const steps = await measureSteps({ repository, rebuilt, ids, floors, log })
    const tarballBytes = sum(tarballs)
    return {
      figures: {
        versions: tars.length,
        treeStoredBytes: treeBytes,
        casyncStoredBytes: casyncBytes,
        tarballBytes,
        volumeStoredBytes: volumes,
        rebuiltVolumeStoredBytes: rebuiltVolumes,
        ...steps.figures,
      },
      goals: [
        judgeGoal('tree: bytes stored beside casync', treeBytes / casyncBytes, '<=', 1),
        judgeGoal('tree: bytes stored beside ten tarballs', treeBytes / tarballBytes, '<=', 0.3),
        judgeGoal('tree: fetched beside patches, all steps', steps.tree.total, '<=', 1.5),
        judgeGoal('tree: fetched beside patches, the worst step', steps.tree.worst, '<=', 1.5),
        judgeGoal('volume: fetched beside patches, all steps', steps.volume.total, '<=', 1.5),
        judgeGoal('volume: fetched beside patches, the worst step', steps.volume.worst, '<=', 1.5),
      ],
    }
  } finally {
    await rm(work, { recursive: true })
  }
}

async function importAll(repository: Repository, tars: readonly string[], signingKey: SigningKey, log: Log) {
  const ids: string[] = []
  for (const tar of tars) {
    const { id, storedBytes } = await importTar(repository, tar, { image: 'debian', signingKey })
    log(`version ${ids.push(id)}: ${id.slice(0, 12)}, ${storedBytes} bytes`)
  }
  return ids
}

type Log = (line: string) => void

/** Each tree unpacked and given to casync, its index beside the chunks. */
async function storeWithCasync(work: string, tars: readonly string[], log: Log): Promise<number> {
  const casync = await fetchPeer('casync', 'usr/bin/casync', log)
  const [store, tree] = [join(work, 'casync'), join(work, 'tree')]
  await mkdir(store)
  for (const [at, tar] of tars.entries()) {
    await mkdir(tree)
    await runPipeline(
      'tar -x --xattrs --xattrs-include="*" --numeric-owner -p -C "$2" -f "$1"',
      [tar, tree],
      deadlineMs,
    )
    await runCasync(casync, store, join(store, `${at}.caidx`), tree)
    await rm(tree, { recursive: true })
    log(`casync: version ${at + 1}`)
  }
  return storedBytes(store)
}

async function runCasync({ program, libraryPath }: PeerProgram, store: string, index: string, tree: string) {
  const line = 'LD_LIBRARY_PATH="$1" "$2" make --store="$3" "$4" "$5" > /dev/null'
  await runPipeline(line, [libraryPath, program, join(store, 'chunks.castr'), index, tree], deadlineMs)
}

/** Gives the bytes they add to the store. */
async function makeVolumes(
  repository: Repository,
  ids: readonly string[],
  signingKey: SigningKey,
  how: 'lineage' | 'rebuilt',
  log: Log,
): Promise<number> {
  const before = await storedBytes(repository.directory)
  for (const [at, id] of ids.entries()) {
    const parent = how === 'rebuilt' ? null : undefined
    await ensureRendition(repository, id, { name: 'volume', filesystem: 'ext4' }, { signingKey, parent })
    log(`volume ${at + 1}, ${how}`)
  }
  return (await storedBytes(repository.directory)) - before
}

async function measureSteps({
  repository,
  rebuilt,
  ids,
  floors,
  log,
}: {
  repository: Repository
  rebuilt: Repository
  ids: readonly string[]
  floors: readonly number[]
  log: Log
}) {
  const all: Record<string, number[]> = {
    floor: [],
    tree: [],
    treeChunks: [],
    volume: [],
    volumeChunks: [],
    rebuilt: [],
  }
  for (const [at, floor] of floors.entries()) {
    const step = { version: ids[at + 1]!, parent: ids[at]! }
    const tree = await fetchCost(repository, { ...step, name: 'tree' })
    const volume = await fetchCost(repository, { ...step, name: 'volume-ext4' })
    const anew = await fetchCost(rebuilt, { ...step, name: 'volume-ext4' })
    const costs = {
      ...{ floor, tree: tree.deltaBytes, treeChunks: tree.chunksBytes },
      ...{ volume: volume.deltaBytes, volumeChunks: volume.chunksBytes, rebuilt: anew.chunksBytes },
    }
    for (const [what, bytes] of Object.entries(costs)) all[what]!.push(bytes)
    const text = Object.entries(costs).map(([what, bytes]) => `${what} ${(bytes / 2 ** 20).toFixed(2)}`)
    log(`step ${at + 1}, MiB: ${text.join(', ')}`)
  }
  const figures = Object.fromEntries(
    Object.entries(all).flatMap(([what, bytes]) => [
      [`${what}FetchBytes`, sum(bytes)],
      [`${what}MedianStepFetchBytes`, median(bytes)],
    ]),
  )
  const judge = (what: string) => ({
    total: sum(all[what]!) / sum(all.floor!),
    worst: Math.max(...all[what]!.map((bytes, at) => bytes / all.floor![at]!)),
  })
  return { figures, tree: judge('tree'), volume: judge('volume') }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
