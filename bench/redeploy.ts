import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureDelta } from '../src/image/deltas/ensure-delta.ts'
import { importTar } from '../src/image/import-tar.ts'
import { openRepository } from '../src/image/repository.ts'
import { openSigningKey } from '../src/image/signing-key.ts'
import { type Benchmark, judgeGoal } from './benchmark.ts'
import { AgentProcess, type AgentWrote } from './deploy/agent-process.ts'
import { FreshFilesystem } from './deploy/fresh-filesystem.ts'
import { serveContent } from './deploy/serve-content.ts'
import { median } from './measure.ts'
import { runPipeline } from './peer.ts'
import { bootAndUse, makeReadyToBoot } from './redeploy/booted-machine.ts'
import { type BtrfsMeasured, measureBtrfs } from './redeploy/btrfs-pool.ts'
import { giveIdentity } from './redeploy/give-identity.ts'
import { measureVolume, type VolumeMeasured } from './redeploy/volume-device.ts'
import { nginxVersions } from './store/debian-versions.ts'

export const name = 'redeploy'
export const describe =
  'bytes moved, and the time, to give a machine the next version (nginx upgraded) or the same once more, by tree, btrfs and volume, as a share of a first deployment (needs root)'

const deadlineMs = 300_000

/** `upgrade`: after a real boot and light use, to the next version. `same`: after identity alone, to the version it has. */
type Case = 'upgrade' | 'same'
type Prepared = Awaited<ReturnType<typeof prepare>>
/** `readSeconds`: how long it takes to read the machine's files once, and do nothing with them. */
type Measured = AgentWrote & { seconds: number; readSeconds: number }

export const run: Benchmark['run'] = async ({ rounds, log }) => {
  const work = await mkdtemp(join(tmpdir(), 'bootwright-bench-'))
  const stop = new AbortController()
  await using filesystem = new FreshFilesystem(work)
  try {
    const prepared = await prepare(work, log)
    const { baseUrl } = await serveContent(work, stop.signal)
    const results: Record<Case, Measured[]> = { upgrade: [], same: [] }
    // The machine is booted once: what is fetched does not differ from round to round, and a boot takes minutes.
    for (const kind of ['upgrade', ...Array.from({ length: rounds }, () => 'same' as const)] as const) {
      const measured = await redeploy(kind, { ...prepared, baseUrl, work }, filesystem)
      results[kind].push(measured)
      const { seconds, bytesFetched, bytesReused, bytesWritten } = measured
      log(
        `tree, ${kind}: ${seconds.toFixed(2)} s, ${bytesFetched} bytes fetched, ${bytesWritten} written, ${bytesReused} reused`,
      )
    }
    const { repository, signingKey, first, next } = prepared
    const versions = { image: name, first: first.id, next: next.id }
    const btrfs = await measureBtrfs(work, { repository, signingKey, ...versions, baseUrl })
    const blocks = { repository, signingKey, order: prepared.order, first: first.id, next: next.id, baseUrl }
    const volume = await measureVolume(join(work, 'blocks'), blocks, rounds)
    return judge(prepared, results, { btrfs, volume })
  } finally {
    stop.abort()
    await filesystem[Symbol.asyncDispose]()
    await rm(work, { recursive: true, force: true })
  }
}

async function prepare(work: string, log: (line: string) => void) {
  const tars = await nginxVersions(log)
  const key = await openSigningKey(join(work, 'keys'))
  const repository = await openRepository(join(work, 'repository'))
  const [first, next] = [
    await importTar(repository, tars[0]!, { image: name, signingKey: key }),
    await importTar(repository, tars[1]!, { image: name, signingKey: key }),
  ]
  const delta = await ensureDelta(repository, { version: next.id, parent: first.id, name: 'tree' })
  log(`the image: ${first.sizeBytes} bytes, ${first.storedBytes} stored; the delta ${delta.storedBytes}`)
  const order = { image: name, imagePublicKeyPem: key.publicKeyPem }
  return { repository, signingKey: key, order, first, next, deltaBytes: delta.storedBytes }
}

/** A machine with the first version, brought to where the case begins, and then the agent's write upon it. */
async function redeploy(
  kind: Case,
  { order, baseUrl, first, next, work }: Prepared & { baseUrl: string; work: string },
  filesystem: FreshFilesystem,
): Promise<Measured> {
  await filesystem.make()
  const place = { ...order, baseUrl, directory: filesystem.directory }
  const fresh = await AgentProcess.start({ ...place, version: first.id })
  await fresh.write()
  await fresh.end()
  await giveIdentity(filesystem.directory, await filesystem.uuid())
  if (kind === 'upgrade') {
    const booting = join(work, 'booting')
    const files = await makeReadyToBoot(filesystem.directory, booting)
    await filesystem.whileUnmounted((device) => bootAndUse(device, files, booting))
  }
  await filesystem.flush()
  const dropCaches = 'echo 3 >/proc/sys/vm/drop_caches' // what is on the disk is read from there
  await runPipeline(dropCaches, [], deadlineMs)
  const readAt = performance.now()
  await runPipeline('tar -C "$1" --sparse -cf - . | cat >/dev/null', [filesystem.directory], deadlineMs)
  const readSeconds = (performance.now() - readAt) / 1000
  await runPipeline(dropCaches, [], deadlineMs)
  const version = kind === 'upgrade' ? next.id : first.id
  const agent = await AgentProcess.start({ ...place, version, reuse: { previousVersion: first.id } })
  try {
    const startedAt = performance.now()
    const wrote = await agent.write()
    await filesystem.flush()
    const seconds = (performance.now() - startedAt) / 1000
    await agent.verify() // every byte: the figures are of a machine that is the version
    return { ...wrote, seconds, readSeconds }
  } finally {
    await agent.end()
  }
}

type Others = { btrfs: BtrfsMeasured; volume: VolumeMeasured }

function judge({ first, deltaBytes }: Prepared, results: Record<Case, Measured[]>, others: Others) {
  const { btrfs, volume } = others
  const volumeSame = (figure: 'bytesFetched' | 'seconds' | 'readSeconds') =>
    median(volume.same.map((measured) => measured[figure]))
  const middle = (kind: Case, figure: keyof Measured) => median(results[kind].map((measured) => measured[figure]))
  const upgradeShare = middle('upgrade', 'bytesFetched') / first.storedBytes
  const sameShare = middle('same', 'bytesFetched') / first.storedBytes
  const figures = {
    imageBytes: first.sizeBytes,
    imageStoredBytes: first.storedBytes,
    deltaBytes,
    upgradeFetchedBytes: middle('upgrade', 'bytesFetched'),
    upgradeWrittenBytes: middle('upgrade', 'bytesWritten'),
    upgradeShareOfContent: middle('upgrade', 'bytesFetched') / first.sizeBytes,
    upgradeSeconds: middle('upgrade', 'seconds'),
    sameFetchedBytes: middle('same', 'bytesFetched'),
    sameWrittenBytes: middle('same', 'bytesWritten'),
    sameShareOfContent: middle('same', 'bytesFetched') / first.sizeBytes,
    sameSeconds: middle('same', 'seconds'),
    btrfsWholeBytes: btrfs.wholeBytes,
    btrfsUpgradeBytes: btrfs.upgradeBytes,
    btrfsUpgradeSeconds: btrfs.upgradeSeconds,
    btrfsSameBytes: btrfs.sameBytes,
    volumeWholeBytes: volume.storedBytes,
    volumeUpgradeBytes: volume.upgrade.bytesFetched,
    volumeUpgradeSeconds: volume.upgrade.seconds,
    volumeSameBytes: volumeSame('bytesFetched'),
    volumeSameSeconds: volumeSame('seconds'),
    volumeReadSeconds: volumeSame('readSeconds'),
    sameBesideReading: middle('same', 'seconds') / middle('same', 'readSeconds'),
    volumeSameBesideReading: volumeSame('seconds') / volumeSame('readSeconds'),
  }
  return {
    figures,
    goals: [
      judgeGoal('tree, nginx upgraded, used lightly: share of a first deployment', upgradeShare, '<=', 0.03),
      judgeGoal('tree, the same version, not booted: share of a first deployment', sameShare, '<=', 0.005),
      judgeGoal(
        'btrfs, nginx upgraded: share of a first deployment',
        btrfs.upgradeBytes / btrfs.wholeBytes,
        '<=',
        0.03,
      ),
      judgeGoal(
        'volume, nginx upgraded, used lightly: share of a first deployment',
        volume.upgrade.bytesFetched / volume.storedBytes,
        '<=',
        0.06,
      ),
      judgeGoal(
        'volume, the same version, not booted: share of a first deployment',
        volumeSame('bytesFetched') / volume.storedBytes,
        '<=',
        0.005,
      ),
    ],
  }
}
