import { join } from 'node:path'
import { Check } from 'typebox/value'
import { DecodeError } from '../../bytes/decode-error.ts'
import { StreamReply, type StreamRequest } from '../../core/agent-protocol.ts'
import type { DeployStep } from '../../core/deployment.ts'
import { bootOrderOf } from '../boot-loader/boot-order.ts'
import { findGrub, type SharedMenu } from '../boot-loader/install-boot-loader.ts'
import type { DeployContext } from '../deploy-context.ts'
import type { Filesystems } from '../disk/filesystems.ts'
import type { Mounts } from '../disk/mounts.ts'
import { readCarriedIdentity } from '../identity/carried-identity.ts'
import { InsideRoot } from '../inside-root.ts'
import { makeBootable } from '../make-bootable.ts'
import { orderedVersion } from '../ordered-version.ts'
import { type PreparedDisk, prepareDisk } from '../prepare-disk.ts'
import { say } from '../say.ts'
import { type OnBytes, runStep, StepFailed } from '../step-run.ts'
import type { WrittenMachine } from '../written-machine.ts'
import { type ObtainedVersion, obtainVersion } from './obtain-version.ts'
import { mountSystem, openPool } from './open-pool.ts'
import { ensureGrubSubvolume, writePoolMenu } from './pool-menu.ts'
import { poolPaths, systemPath } from './pool-places.ts'
import { syncPool } from './subvolume.ts'
import { chooseSystems, finishSystem, makeSystem, readSystems, removeOthers, type System } from './systems.ts'

/** The server holds the question for up to 20 s while the stream is being made. */
const streamTimeoutMs = 45_000

/** A deployment of the rendition `btrfs`: the version is received beside those that are there, and started from now on. */
export async function deployIntoPool(context: DeployContext, mounts: Mounts): Promise<WrittenMachine> {
  const prepared = await prepareDisk(context, mounts)
  const pool = await within('write', () => openPool(context, prepared.filesystems.root, mounts))
  const counts = await obtain(context, pool)
  const filesystems = await within('identity', () => placeSystem(context, pool, prepared.filesystems, mounts))
  const [before] = await within('identity', () => readSystems(pool))
  const placed = { ...prepared, filesystems }
  const menu = new PoolMenu(context, pool, placed)
  const { identity, bootLoader, fallback } = await makeBootable(context, placed, mounts, {
    menu,
    ...(before && { carried: readCarriedIdentity(new InsideRoot(join(pool, systemPath(before.id)))) }),
  })
  return {
    device: prepared.disk.device,
    root: filesystems.root,
    kernel: bootLoader.kernel,
    kernelArguments: bootLoader.kernelArguments,
    ...(fallback && { fallback }),
    report: {
      ...counts,
      sshHostKeys: identity.sshHostKeys,
      keptVersions: menu.versions,
      ...bootOrderOf(bootLoader),
    },
  }
}

function obtain(context: DeployContext, pool: string): Promise<ObtainedVersion> {
  const { reporter } = context
  return obtainVersion({
    ...orderedVersion(context),
    pool,
    chooseParent: (versions, onBytes) => askForStream(context, versions, onBytes),
    inStep: (step, work) => runStep(reporter, step, work),
  })
}

/** Against which version the server has made a stream; it takes as long as it takes, and the server is told that we wait. */
async function askForStream(
  { order, session, signal }: DeployContext,
  versions: readonly string[],
  onBytes: OnBytes,
): Promise<string | undefined> {
  const request: StreamRequest = { deploymentId: order.deploymentId, versions: [...versions] }
  for (;;) {
    const options = { signal, timeoutMs: streamTimeoutMs, onTrouble: say }
    const reply = await session.client.request('POST', '/agent/stream', request, options)
    if (!Check(StreamReply, reply)) throw new DecodeError('stream', 'the answer does not say whether it is ready')
    if (reply.kind === 'ready') return reply.parent
    onBytes(0, undefined)
  }
}

/** The new system's root is mounted, with GRUB's shared directory and what outlives the versions in its fstab. */
async function placeSystem(
  context: DeployContext,
  pool: string,
  filesystems: Filesystems,
  mounts: Mounts,
): Promise<Filesystems> {
  const { order, rootDirectory, inventory } = context
  const subvolume = await makeSystem(pool, order.deploymentId, order.version)
  const root = { ...filesystems.root, subvolume }
  await mountSystem(context, root, mounts)
  await ensureGrubSubvolume(pool)
  const { bootDirectory } = findGrub(new InsideRoot(rootDirectory), inventory.firmware, inventory.architecture)
  const { device, uuid, type } = root
  const grub = { role: 'data', device, uuid, type, content: 'kept', mount: bootDirectory } as const
  return { ...filesystems, root, others: [...filesystems.others, { ...grub, subvolume: poolPaths.grub }] }
}

/** The menu of the pool, in which the new system starts by itself; what is not kept goes when it is on the disk. */
class PoolMenu implements SharedMenu {
  readonly subvolume = poolPaths.grub
  /** Those that the machine has in the end, newest first. */
  versions: string[] = []
  readonly #context: DeployContext
  readonly #pool: string
  readonly #prepared: PreparedDisk

  constructor(context: DeployContext, pool: string, prepared: PreparedDisk) {
    this.#context = context
    this.#pool = pool
    this.#prepared = prepared
  }

  async write({ title, kernelArguments }: Parameters<SharedMenu['write']>[0]): Promise<void> {
    const { image, version, deploymentId: id, keepVersions } = this.#context.order
    const system: System = {
      ...{ id, image, version, title },
      kernelArguments: [...kernelArguments],
      deployedAt: Date.now(),
    }
    await finishSystem(this.#pool, system)
    const staying = chooseSystems(await readSystems(this.#pool), id, keepVersions)
    writePoolMenu(this.#pool, this.#prepared, system, staying)
    await syncPool(this.#pool)
    const removed = await removeOthers(this.#pool, staying)
    if (removed.length > 0) say(`removed: ${removed.map((one) => one.slice(0, 12)).join(', ')}`)
    this.versions = staying.map((one) => one.version)
  }
}

async function within<T>(step: DeployStep, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new StepFailed(step, error)
  }
}
