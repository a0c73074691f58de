import type { RamrootChoice } from '../../core/intent.ts'
import type { PlacedOrder } from '../../core/machine-order.ts'
import type { RamrootBoot } from '../../core/ramroot.ts'
import { resolveReference } from '../../image/reference.ts'
import type { RamRootForm } from '../../image/renditions/rendition-name.ts'
import { readRamRoot } from '../../image/renditions/stored-ram-root.ts'
import { openRepository } from '../../image/repository.ts'
import type { RackMachine } from '../../rack/machine.ts'
import { readRamdisk } from '../../ramdisk/published-ramdisk.ts'
import { ensureRamRoot } from '../../ramroot/ensure-ram-root.ts'
import { bytesToFetch } from '../../ramroot/ram-root-form.ts'
import type { RackSite } from './site.ts'
import type { RackSupplies } from './supplies.ts'

/** Makes what runs a version from memory outside of the rack, where it is kept for the next time. */
export async function prepareRamRoot(
  supplies: RackSupplies,
  reference: string,
  form: RamRootForm,
  log: (line: string) => void,
): Promise<void> {
  const repository = await openRepository(supplies.imagesDirectory)
  const { id } = await resolveReference(repository, reference)
  const ramRoot = await ensureRamRoot(repository, id, form)
  log(`${form} of ${reference}: ${bytesToFetch(ramRoot)} bytes to fetch`)
}

/** All that a machine loads before its root is there: kernel, archives, the early system, and the root itself. */
export async function ramRootBytes(supplies: RackSupplies, form: RamRootForm): Promise<number> {
  const repository = await openRepository(supplies.imagesDirectory)
  const { id } = await resolveReference(repository, supplies.image)
  const [ramRoot, ramdisk] = await Promise.all([
    readRamRoot(repository, id, form),
    readRamdisk(supplies.ramdiskDirectory),
  ])
  const early = ramdisk?.files.find(({ file }) => file === ramdisk.ramRoot?.file)
  if (!ramRoot || !early) throw new Error(`${form} of ${supplies.image} was not made`)
  return bytesToFetch(ramRoot) + early.bytes
}

/** Orders that a machine runs the image under test from memory; gives what the service said to it. */
export async function orderRamroot(
  site: RackSite,
  machine: RackMachine,
  choice: Partial<RamrootChoice> & Pick<RamrootChoice, 'rendition'>,
): Promise<PlacedOrder> {
  const boot: RamrootChoice = { image: site.supplies.image, ...choice }
  const body = { machines: [machine.spec.name], order: { kind: 'boot', intent: { kind: 'ramroot', boot } } }
  const { placed } = await site.client.request<{ placed: PlacedOrder[] }>('POST', '/api/v1/orders/', body)
  return placed[0]!
}

const upTimeoutMs = 8 * 60_000

/** Waits until the system that was switched on after `startedAt` has called. Rejects where it failed instead. */
export async function awaitRamrootUp(site: RackSite, startedAt: number): Promise<void> {
  const ended = await site.timeline.waitFor(
    ({ kind, at, data }) => kind === 'ramroot' && at >= startedAt && data?.state !== undefined,
    { timeoutMs: upTimeoutMs, what: 'the system in memory to call' },
  )
  if (ended.data?.state !== 'up') throw new Error(ended.message)
}

/** Boots of a machine into memory, newest first. */
export async function ramrootBoots(site: RackSite, machine: RackMachine): Promise<RamrootBoot[]> {
  const path = `/api/v1/machines/${machine.spec.name}`
  return (await site.client.request<{ ramroots: RamrootBoot[] }>('GET', path)).ramroots
}
