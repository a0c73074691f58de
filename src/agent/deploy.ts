import { open } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import type { HandOverReport, WrittenReport } from '../core/agent-protocol.ts'
import type { DeployOrder } from '../core/order.ts'
import { runProgram } from '../programs/run-program.ts'
import { BegunTree } from './begun-tree.ts'
import { bootOrderOf } from './boot-loader/boot-order.ts'
import { deployIntoPool } from './btrfs/deploy-into-pool.ts'
import { rollBack } from './btrfs/roll-back.ts'
import type { AgentContext, DeployContext } from './deploy-context.ts'
import { Mounts } from './disk/mounts.ts'
import { deployForeignDisk } from './foreign-disk/deploy-foreign-disk.ts'
import { executeKexec, type KexecTarget, prepareKexec, rebootMachine, restartByFirmware } from './hand-over.ts'
import { readDiskContents } from './inventory/read-partition-table.ts'
import { makeBootable } from './make-bootable.ts'
import { openSecrets } from './open-secrets.ts'
import { orderedVersion } from './ordered-version.ts'
import { prepareDisk } from './prepare-disk.ts'
import { reportFailure } from './report-failure.ts'
import { say } from './say.ts'
import { StepReporter } from './step-reporter.ts'
import { runStep, StepFailed } from './step-run.ts'
import { writeImage } from './write-image.ts'
import type { WrittenDisk, WrittenMachine } from './written-machine.ts'

const rootDirectory = '/run/bootwright/root'
const syncTimeoutMs = 600_000
/** A machine whose disk is written does not wait longer than this to say that it leaves. */
const farewellPatienceMs = 120_000

/**
 * Does a deploy order to its end: the machine is handed over and this never returns, or something failed, which is
 * reported and shown; nothing stays mounted and the machine stays up for a person.
 */
export async function deploy(order: DeployOrder, agent: AgentContext): Promise<'failed'> {
  const stop = new AbortController()
  const { client } = agent.session
  const reporter = new StepReporter(
    order.deploymentId,
    async (report) =>
      void (await client.request('POST', '/agent/progress', report, { signal: stop.signal, onTrouble: say })),
    (refusal) => stop.abort(refusal), // cancelled, or past its deadline
    agent.watch,
  )
  const context: DeployContext = { ...agent, order, reporter, signal: stop.signal, rootDirectory }
  say(
    `${order.kind === 'rollback' ? 'rolling back to' : 'deploying'} ${order.image} (version ${order.version.slice(0, 12)}) as ${order.machine.name}`,
  )
  let target: KexecTarget | undefined
  try {
    target = await writeMachine(context)
  } catch (error) {
    await reportFailure({ id: order.deploymentId, what: 'deployment', firstStep: 'select-disk', ...context }, error)
    return 'failed'
  }
  return handOver(context, target)
}

/** Everything up to the server's confirmation that the intent is used up. */
async function writeMachine(ordered: DeployContext): Promise<KexecTarget | undefined> {
  await using mounts = new Mounts()
  const { setup } = openSecrets(ordered)
  const context = setup ? { ...ordered, setup } : ordered
  const written = await wayOf(context.order)(context, mounts)
  await flush(context, written.device, mounts)
  await tellInventory(context)
  await reportWritten(context, written.report)
  if (!('kernel' in written)) return undefined
  const { root, kernel, kernelArguments, fallback } = written
  return { root, kernel, kernelArguments, ...(fallback && { fallback }), directory: rootDirectory }
}

type Way = (context: DeployContext, mounts: Mounts) => Promise<WrittenDisk | WrittenMachine>

function wayOf({ kind, rendition }: DeployOrder): Way {
  if (kind === 'rollback') return rollBack
  if (rendition === 'disk') return deployForeignDisk
  return rendition === 'btrfs' ? deployIntoPool : deployAlone
}

/** The version is all that the root filesystem has. */
async function deployAlone(context: DeployContext, mounts: Mounts): Promise<WrittenMachine> {
  await using begun = context.order.rendition === 'tree' ? new BegunTree(orderedVersion(context)) : undefined
  const prepared = await prepareDisk(context, mounts)
  const { root } = prepared.filesystems
  const { bytesFetched, bytesWritten, bytesReused } = await writeImage(context, root, mounts, begun)
  const { identity, bootLoader, fallback } = await makeBootable(context, prepared, mounts)
  const { kernel, kernelArguments } = bootLoader
  const report = {
    bytesFetched,
    bytesWritten,
    bytesReused,
    sshHostKeys: identity.sshHostKeys,
    ...bootOrderOf(bootLoader),
  }
  return { device: prepared.disk.device, root, kernel, kernelArguments, ...(fallback && { fallback }), report }
}

/** After this the disk holds everything, whatever happens to the machine. */
async function flush({ reporter }: DeployContext, device: string, mounts: Mounts): Promise<void> {
  await runStep(reporter, 'flush', async () => {
    await runProgram('sync', [], { timeoutMs: syncTimeoutMs })
    await mounts.unmountAll()
    await runProgram('blockdev', ['--flushbufs', device], { timeoutMs: syncTimeoutMs })
    await flushCache(device)
    return { value: undefined, detail: `everything is on ${device}` }
  })
}

/** Neither of the programs makes the disk empty its own write cache, which a FAT's unmounting does not do either. */
async function flushCache(device: string): Promise<void> {
  await using disk = await open(device, 'r+')
  await disk.sync()
}

/** What is on the disks is not what the inventory of this boot said any more, and the next layout is planned from it. */
async function tellInventory({ inventory, session, signal }: DeployContext): Promise<void> {
  const disks = await readDiskContents(inventory.disks, say)
  const send = session.client.request('POST', '/agent/inventory', { ...inventory, disks }, { signal, onTrouble: say })
  await send.catch((error: Error) => say(error.message)) // no reason to fail a disk that is complete
}

/** The server uses the intent up before it answers; until then the agent neither gives up nor hands over. */
async function reportWritten(
  { order, session, reporter, signal }: DeployContext,
  facts: Omit<WrittenReport, 'deploymentId'>,
): Promise<void> {
  await reporter.delivered()
  const report: WrittenReport = { deploymentId: order.deploymentId, ...facts }
  try {
    await session.client.request('POST', '/agent/written', report, { signal, onTrouble: say })
  } catch (error) {
    throw new StepFailed('flush', error)
  }
  say('the server knows: from now on this machine boots its disk')
}

/** From here on nothing the server says, or does not say, keeps the machine from its disk. */
async function handOver(context: DeployContext, target: KexecTarget | undefined): Promise<never> {
  const { reporter, session, order } = context
  const by = await runStep(reporter, 'hand-over', async () => {
    const { by: value, ...told } = order.handOver === 'kexec' ? await prepareKexec(target) : restartByFirmware
    return { value, ...told }
  })
  await Promise.race([reporter.delivered(), wait(farewellPatienceMs)])
  const report: HandOverReport = { by }
  const patience = { patienceMs: farewellPatienceMs, onTrouble: say }
  await session.client.request('POST', '/agent/handover', report, patience).catch((error: Error) => say(error.message))
  return by === 'kexec' ? executeKexec() : rebootMachine()
}
