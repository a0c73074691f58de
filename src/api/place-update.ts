import type { RamrootChoice } from '../core/intent.ts'
import type { Inventory } from '../core/inventory.ts'
import type { Machine } from '../core/machine.ts'
import { ramrootRefusal } from '../core/ramroot.ts'
import type { Update } from '../core/update.ts'
import { Conflict } from '../deploy/refusals.ts'
import type { UpdateRequest } from '../deploy/updates.ts'
import type { Version } from '../image/repository.ts'
import type { Management } from './management.ts'
import { sizesOf } from './ramroot-script.ts'

type UpdateParts = Pick<Management, 'machines' | 'images' | 'ramroots' | 'updates'>
type Wish = Pick<Update, 'policy' | 'to'> & { machines: readonly string[] }
type Chosen = UpdateRequest['machines'][number]

/**
 * Begins an update. What references mean is settled now: tags that move later do not change it. Throws NotFound, Conflict where no
 * machine is to change, or one has another update.
 */
export async function placeUpdate(parts: UpdateParts, { machines: names, policy, to }: Wish): Promise<Update> {
  const known = await Promise.all([...new Set(names)].map((name) => parts.machines.get(name)))
  const fromMemory = known.flatMap((machine) =>
    machine.standing.kind === 'ramroot'
      ? [{ machine, boot: { ...machine.standing.boot, ...(to !== undefined && { image: to }) } }]
      : [],
  )
  if (fromMemory.length === 0)
    throw new Conflict("None of these machines runs from memory; 'bootwright ramroot' has them do so")
  const references = [...new Set(fromMemory.map(({ boot }) => boot.image))]
  return parts.images.holdAll(references, async (versions) => {
    const machines: Chosen[] = []
    for (const { machine, boot } of fromMemory)
      machines.push(await choose(parts, machine, boot, versions.get(boot.image)!))
    if (machines.every(({ skipped }) => skipped !== undefined)) {
      throw new Conflict(
        `There is nothing to do: ${machines.map(({ name, skipped }) => `${name}: ${skipped}`).join('; ')}`,
      )
    }
    return parts.updates.create({ machines, policy, ...(to !== undefined && { to }) })
  })
}

/** Throws Conflict for a version whose form was not made. */
async function choose(
  { images, machines, ramroots }: UpdateParts,
  machine: Machine,
  boot: RamrootChoice,
  version: Version,
): Promise<Chosen> {
  const { id: machineId, name, intent } = machine
  const { image, rendition } = boot
  const ramRoot = await images.ramRoot(version.id, rendition)
  if (!ramRoot) {
    throw new Conflict(
      `${rendition} of ${image} is not made yet: 'bootwright image render ${image} ${rendition}' makes it`,
    )
  }
  const chosen = { machineId, name, image, version: version.id, rendition }
  const skip = (skipped: string): Chosen => ({ ...chosen, skipped })
  const [newest] = await ramroots.list(machineId)
  if (intent.kind !== 'ramroot') return skip(`its next boot is ${intent.kind}`)
  if (newest?.state !== 'up')
    return skip('it does not run from memory now; its next network boot runs what its reference means')
  if (newest.version === version.id) return skip('it runs that version already')
  const unfit = ramrootRefusal((await machines.inventory(machineId)) as Inventory | undefined, sizesOf(ramRoot), boot)
  return unfit === undefined ? chosen : skip(unfit)
}
