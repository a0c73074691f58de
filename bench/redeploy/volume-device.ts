import { type KeyObject, randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { growAndMount, renewUuid } from '../../src/agent/blocks/settle-volume.ts'
import { ensureRendition } from '../../src/image/renditions/ensure-rendition.ts'
import type { Repository } from '../../src/image/repository.ts'
import { AgentProcess, type AgentWrote } from '../deploy/agent-process.ts'
import { runPipeline } from '../peer.ts'
import { LoopTarget } from '../write/loop-target.ts'
import { type BootFiles, bootAndUse, makeReadyToBoot } from './booted-machine.ts'
import { giveIdentity } from './give-identity.ts'

export type VolumeMeasured = { storedBytes: number; upgrade: VolumeWrote; same: VolumeWrote[] }
/** `readSeconds`: dd of as many bytes of the device. */
type VolumeWrote = AgentWrote & { seconds: number; readSeconds: number }

type VolumeSetting = {
  repository: Repository
  signingKey: { privateKey: KeyObject; publicKey: KeyObject }
  order: { image: string; imagePublicKeyPem: string }
  first: string
  next: string
  baseUrl: string
}

const program = new URL('../write/blocks-program.ts', import.meta.url)
const deadlineMs = 300_000

/** The volume is grown to it, as to the partition of a machine. */
const deviceBytes = 4 * 1024 ** 3

/**
 * What an agent fetches for a device that has the first version's blocks, its own UUID and size, and has been booted and
 * used: of the next version, and, after identity alone, of the first once more; read back each time.
 */
export async function measureVolume(work: string, setting: VolumeSetting, rounds: number): Promise<VolumeMeasured> {
  const { repository, signingKey, first, next } = setting
  const rendition = { name: 'volume', filesystem: 'ext4' } as const
  const { statement } = await ensureRendition(repository, first, rendition, { signingKey })
  await ensureRendition(repository, next, { ...rendition }, { signingKey, parent: first })
  await mkdir(work, { recursive: true })
  await using target = new LoopTarget(work, deviceBytes)
  const given = { ...setting, work, sizeBytes: statement.sizeBytes }
  const upgrade = await redeploy(target, { ...given, to: next, isUsed: true })
  const same: VolumeWrote[] = []
  for (let round = 0; round < rounds; round++) {
    same.push(await redeploy(target, { ...given, to: first, isUsed: false }))
  }
  return { storedBytes: statement.storedBytes, upgrade, same }
}

type Redeployment = VolumeSetting & { work: string; sizeBytes: number; to: string; isUsed: boolean }

async function redeploy(target: LoopTarget, redeployment: Redeployment): Promise<VolumeWrote> {
  const { order, baseUrl, first, to, isUsed, work, sizeBytes } = redeployment
  await target.make()
  const place = { ...order, baseUrl, rendition: 'volume-ext4', device: target.device }
  const fresh = await AgentProcess.start({ ...place, version: first }, program)
  await fresh.write()
  await fresh.end()
  await settle(target.device, work, isUsed)
  const read = 'dd if="$1" of=/dev/null bs=4M iflag=direct,count_bytes count="$2" status=none'
  const readAt = performance.now()
  await runPipeline(read, [target.device, String(sizeBytes)], deadlineMs)
  const readSeconds = (performance.now() - readAt) / 1000
  const agent = await AgentProcess.start({ ...place, version: to }, program)
  try {
    const startedAt = performance.now()
    const wrote = await agent.write()
    const seconds = (performance.now() - startedAt) / 1000
    await agent.verify()
    return { ...wrote, seconds, readSeconds }
  } finally {
    await agent.end()
  }
}

/** What the agent does to a volume that it has written, and then, perhaps, a first boot. */
async function settle(device: string, work: string, isUsed: boolean): Promise<void> {
  const directory = join(work, 'mounted')
  const uuid = randomUUID()
  await mkdir(directory, { recursive: true })
  await renewUuid(device, 'ext4', uuid)
  const open = async () => void (await runPipeline('mount "$1" "$2"', [device, directory], deadlineMs))
  await growAndMount(device, 'ext4', { directory, open })
  const booting = join(work, 'booting')
  let files: BootFiles | undefined
  try {
    await giveIdentity(directory, uuid)
    if (isUsed) files = await makeReadyToBoot(directory, booting)
  } finally {
    await runPipeline('umount "$1"', [directory], deadlineMs)
  }
  if (files) await bootAndUse(device, files, booting)
}
