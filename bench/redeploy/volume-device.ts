import type { KeyObject } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureRendition } from '../../src/image/renditions/ensure-rendition.ts'
import type { Repository } from '../../src/image/repository.ts'
import { AgentProcess, type AgentWrote } from '../deploy/agent-process.ts'
import { runPipeline } from '../peer.ts'
import { LoopTarget } from '../write/loop-target.ts'
import { giveIdentity, useLightly } from './used-machine.ts'

export type VolumeMeasured = { storedBytes: number; upgrade: VolumeWrote; same: VolumeWrote }
type VolumeWrote = AgentWrote & { seconds: number }

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

/**
 * What an agent fetches for a device that has the first version's blocks, and has been used: of the next version, and, after
 * identity alone, of the first once more; read back each time.
 */
export async function measureVolume(work: string, setting: VolumeSetting): Promise<VolumeMeasured> {
  const { repository, signingKey, first, next } = setting
  const rendition = { name: 'volume', filesystem: 'ext4' } as const
  const { statement } = await ensureRendition(repository, first, rendition, { signingKey })
  await ensureRendition(repository, next, { ...rendition }, { signingKey, parent: first })
  await mkdir(work, { recursive: true })
  await using target = new LoopTarget(work, statement.sizeBytes)
  const upgrade = await redeploy(target, { ...setting, work, to: next, use: useLightly })
  const same = await redeploy(target, { ...setting, work, to: first, use: async () => undefined })
  return { storedBytes: statement.storedBytes, upgrade, same }
}

type Redeployment = VolumeSetting & { work: string; to: string; use: (directory: string) => Promise<void> }

async function redeploy(target: LoopTarget, { order, baseUrl, first, to, use, work }: Redeployment) {
  await target.make()
  const place = { ...order, baseUrl, rendition: 'volume-ext4', device: target.device }
  const fresh = await AgentProcess.start({ ...place, version: first }, program)
  await fresh.write()
  await fresh.end()
  const directory = join(work, 'mounted')
  await runPipeline('mkdir -p "$2" && mount "$1" "$2"', [target.device, directory], deadlineMs)
  try {
    await giveIdentity(directory)
    await use(directory)
  } finally {
    await runPipeline('umount "$1"', [directory], deadlineMs)
  }
  const agent = await AgentProcess.start({ ...place, version: to }, program)
  try {
    const startedAt = performance.now()
    const wrote = await agent.write()
    const seconds = (performance.now() - startedAt) / 1000
    await agent.verify()
    return { ...wrote, seconds }
  } finally {
    await agent.end()
  }
}
