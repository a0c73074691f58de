import type { Deployment } from '../core/deployment.ts'
import { longestScriptBytes, type RescueWork } from '../core/errand.ts'
import type { KernelChoice, RamrootChoice } from '../core/intent.ts'
import type { Inventory } from '../core/inventory.ts'
import type { Machine } from '../core/machine.ts'
import type { DeployWish, MachineOrder, PlacedOrder } from '../core/machine-order.ts'
import { ramrootAdvice, ramrootRefusal } from '../core/ramroot.ts'
import { HandOverRules } from '../deploy/hand-over-rules.ts'
import { Conflict } from '../deploy/refusals.ts'
import { chooseRetry } from '../deploy/retry.ts'
import { Setups } from '../deploy/setups.ts'
import { chooseTarget, renditionToMake } from './choose-target.ts'
import type { ImageShelf } from './image-shelf.ts'
import type { Management } from './management.ts'
import { prepareDelta } from './prepare-delta.ts'
import { problemOf } from './problem.ts'
import { sizesOf } from './ramroot-script.ts'
import { resolveWish } from './redeploy-wish.ts'

export type OrderParts = Pick<
  Management,
  'state' | 'machines' | 'deployments' | 'errands' | 'images' | 'rescueKeys' | 'isServed'
>

/** Orders it of one machine; what does not fit that machine is its outcome, and no reason to stop at the others. */
export async function placeOrder(parts: OrderParts, name: string, order: MachineOrder): Promise<PlacedOrder> {
  try {
    const machine = await parts.machines.get(name)
    return { machine: name, ...(await place(parts, machine, order)) }
  } catch (error) {
    const problem = problemOf(error as Error)
    return { machine: name, refused: problem.detail }
  }
}

async function place(parts: OrderParts, machine: Machine, order: MachineOrder): Promise<Omit<PlacedOrder, 'machine'>> {
  switch (order.kind) {
    case 'deploy':
      return { deploymentId: (await placeDeployment(parts, machine, order.wish)).id }
    case 'retry':
      return { deploymentId: (await placeRetry(parts, machine)).id }
    case 'errand':
      return { errandId: (await placeErrand(parts, machine, order)).id }
    case 'boot':
      if (order.intent.kind === 'kernel') await refuseMissing(order.intent.boot, parts.isServed)
      if (order.intent.kind === 'ramroot') return placeRamroot(parts, machine, order.intent.boot)
      await parts.machines.set(machine.name, { intent: order.intent })
      return {}
  }
}

/** What runs it is made first, which may take minutes. Throws Conflict for a machine that has too little memory for it. */
async function placeRamroot({ images, machines }: OrderParts, machine: Machine, choice: RamrootChoice) {
  const { id } = await images.resolve(choice.image)
  let ramRoot = await images.ramRoot(id, choice.rendition)
  if (!ramRoot) {
    await images.makeRendition(id, choice.rendition)
    ramRoot = (await images.ramRoot(id, choice.rendition))!
  }
  const sizes = sizesOf(ramRoot)
  const unfit = ramrootRefusal((await machines.inventory(machine.id)) as Inventory | undefined, sizes, choice)
  if (unfit !== undefined) throw new Conflict(unfit)
  await machines.set(machine.name, { intent: { kind: 'ramroot', boot: choice } })
  const notice = ramrootAdvice(sizes)
  return { ...(notice !== undefined && { notice }) }
}

/** Throws Conflict. */
export async function placeErrand(
  { errands, rescueKeys, isServed }: Pick<OrderParts, 'errands' | 'rescueKeys' | 'isServed'>,
  machine: Machine,
  { work, once = true, bootAttempts }: Omit<Extract<MachineOrder, { kind: 'errand' }>, 'kind'>,
) {
  if (work.kind === 'run') {
    const { script, url } = work
    if ((script === undefined) === (url === undefined)) {
      throw new Conflict('Say what to run: either its script or its URL')
    }
    if (script !== undefined && Buffer.byteLength(script, 'base64') > longestScriptBytes) {
      throw new Conflict(`The script is longer than ${longestScriptBytes / 1024} KiB: let it fetch what it needs`)
    }
  }
  if (work.kind === 'kernel') await refuseMissing(work.boot, isServed)
  const terms = { once, ...(bootAttempts !== undefined && { bootAttempts }) }
  return errands.create(machine, work.kind === 'rescue' ? withKeys(work, rescueKeys) : work, terms)
}

/** Who may log in everywhere, and who is named in the order. Throws Conflict. */
function withKeys(work: RescueWork, everywhere: readonly string[]): RescueWork {
  const sshKeys = [...new Set([...everywhere, ...work.sshKeys])]
  if (sshKeys.length > 0) return { ...work, sshKeys }
  throw new Conflict(
    'Nobody could log in: name an SSH key, in the order (--ssh-key) or in the site file (rescue: sshKeys)',
  )
}

/** Throws Conflict for a kernel or an initrd that the boot plane does not have. */
async function refuseMissing({ kernel, initrds = [] }: KernelChoice, isServed: OrderParts['isServed']): Promise<void> {
  for (const path of [kernel, ...initrds]) {
    if (await isServed(path)) continue
    throw new Conflict(`There is no file ${path}: put it into the directory that the site file names under files`)
  }
}

/** Makes what the deployment needs first, which may take a while. Throws Conflict, NotFound, LayoutInvalid … */
export async function placeDeployment(
  parts: Pick<OrderParts, 'state' | 'deployments' | 'images'>,
  machine: Machine,
  wish: DeployWish,
  limits: Pick<Deployment, 'sessionOnly'> = {},
): Promise<Deployment> {
  const { state, deployments, images } = parts
  const onDisk = await deployments.onDisk(machine.id)
  const { image, id, target, diskRule, missing } = await resolveDeployWish(images, wish, onDisk)
  await new Setups(state).check(machine, { kind: 'deploy', image, version: id, rendition: target.rendition })
  if (missing !== undefined) await images.makeRendition(id, missing)
  const handOver = await new HandOverRules(state).choose(machine, wish.handOver)
  const deployment = await images.hold(`${image}@${id}`, ({ id: version }) =>
    deployments.create(machine, {
      image,
      version,
      diskRule,
      ...target,
      handOver,
      kernelArguments: wish.kernelArguments ?? [],
      ...(wish.verify !== undefined && { verify: wish.verify }),
      ...(wish.keepVersions !== undefined && { keepVersions: wish.keepVersions }),
      ...(wish.bootAttempts !== undefined && { bootAttempts: wish.bootAttempts }),
      proofSeconds: wish.proofSeconds ?? 900,
      ...limits,
    }),
  )
  prepareDelta(images, deployment, onDisk?.version)
  return deployment
}

/** The machine's last deployment once more. Throws Conflict, NotFound. */
export async function placeRetry({ state, deployments, images }: OrderParts, machine: Machine): Promise<Deployment> {
  const { request, detail } = await chooseRetry(state.db, machine)
  const create = () => deployments.create(machine, request, detail)
  if (request.kind === 'rollback') return create()
  const { image, version } = request
  const missing = await renditionToMake(images, version, request, await deployments.onDisk(machine.id))
  if (missing !== undefined) await images.makeRendition(version, missing)
  return images.hold(`${image}@${version}`, create)
}

/** The version that is meant, what becomes of the disk, and the rendition that has to be made before. */
export async function resolveDeployWish(images: ImageShelf, given: DeployWish, onDisk: Deployment | undefined) {
  const version = await images.resolve(given.image)
  const { image, id } = version
  const wish = resolveWish(given, onDisk)
  const target = chooseTarget(wish, version, await images.renditions(id))
  const missing = await renditionToMake(images, id, target, onDisk)
  return { image, id, target, diskRule: wish.disk ?? {}, missing }
}
