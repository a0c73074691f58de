import type { KernelBoot, RefusedBoot, WaitBoot } from '../boot/boot-script.ts'
import { formatMacHyphen, type Mac } from '../bytes/mac.ts'
import { type AgentArchitecture, defaultConsoles } from '../core/agent-architecture.ts'
import { agentArguments } from '../core/agent-arguments.ts'
import type { RamrootChoice } from '../core/intent.ts'
import type { Inventory } from '../core/inventory.ts'
import type { Machine } from '../core/machine.ts'
import { chooseRamrootVersion, type RamrootSizes, ramrootRefusal } from '../core/ramroot.ts'
import type { RamRoot } from '../image/renditions/stored-ram-root.ts'
import type { Version } from '../image/repository.ts'
import { bytesToFetch, ramRootFile } from '../ramroot/ram-root-form.ts'
import type { BootPlane, BootRamdisk } from './boot-plane.ts'
import { JobFailed } from './image-jobs.ts'
import { NotReady } from './problem.ts'
import { type WaitingRequest, waitForTurn } from './wait-for-turn.ts'

type ScriptFacts = {
  mac: Mac
  token: string
  vlan: number | undefined
  architecture: AgentArchitecture
}

/** What a machine runs from memory, with what it loads for that; refused in words, before anything is fetched. */
export type RamrootPlan =
  /** `isForNow`: it is being made, and asking again helps. */
  { kind: 'refused'; reason: string; isForNow?: true } | ReadyPlan

export type ReadyPlan = {
  kind: 'ready'
  choice: RamrootChoice
  version: { version: string; because?: string }
  ramRoot: RamRoot
  early: EarlySystem
  script: KernelBoot
}

type EarlySystem = BootRamdisk & Required<Pick<BootRamdisk, 'ramRoot'>>

/**
 * The script that runs a version from memory: what the tag means now, its own kernel, the early system and what this form of it is
 * loaded with.
 */
export async function ramrootScript(
  plane: BootPlane,
  machine: Machine,
  standing: RamrootChoice,
  request: ScriptFacts & WaitingRequest & { isLook: boolean },
): Promise<KernelBoot | RefusedBoot | WaitBoot> {
  const plan = await planRamroot(plane, machine, standing, request)
  if (plan.kind === 'refused') return { kind: 'refused', title: machine.name, reason: plan.reason }
  if (request.isLook) return plan.script
  const wait = await waitForTurn(plane, request, plan.script, bytesOfPlan(plan))
  if (!wait) await plane.ramroots.begin(machine, plan.choice, plan.version)
  return wait ?? plan.script
}

/** What an update wants comes before what the reference means now. */
export async function planRamroot(
  plane: BootPlane,
  machine: Machine,
  standing: RamrootChoice,
  facts: ScriptFacts,
): Promise<RamrootPlan> {
  const refused = (reason: string) => ({ kind: 'refused', reason }) as const
  const early = plane.ramdisk(facts.architecture)
  if (early.kind !== 'ready' || !hasEarlySystem(early.ramdisk))
    return { ...refused('the server is still making its ramdisk, try again in a minute'), isForNow: true }
  const update = await plane.updates.wanted(machine.id)
  const choice = update ? { ...standing, image: update.machine.image } : standing
  const wanted = await plane.images
    .resolve(update ? exactly(update.machine) : choice.image)
    .catch((error: Error) => error)
  if (wanted instanceof Error) return refused(wanted.message)
  const version = await chooseVersion(plane, machine, choice, wanted)
  const ramRoot = await plane.images.ramRoot(version.version, choice.rendition)
  if (!ramRoot) return { ...refused(await startMaking(plane, version.version, choice)), isForNow: true }
  if (ramRoot.architecture !== facts.architecture) {
    return refused(
      `${choice.image} is for ${ramRoot.architecture} and this machine's firmware for ${facts.architecture}`,
    )
  }
  const inventory = (await plane.machines.inventory(machine.id)) as Inventory | undefined
  const unfit = ramrootRefusal(inventory, sizesOf(ramRoot), choice)
  if (unfit !== undefined) return refused(unfit)
  const script = scriptOf({ plane, machine, choice, ramRoot, early: early.ramdisk, facts })
  return { kind: 'ready', choice, version, ramRoot, early: early.ramdisk, script }
}

/** Of all that comes before the system runs: what the loader fetches, and a root that the early system does. */
export function bytesOfPlan({ ramRoot, early }: Pick<ReadyPlan, 'ramRoot' | 'early'>): number {
  const tools = early.files.find(({ file }) => file === early.ramRoot.file)
  return bytesToFetch(ramRoot) + (tools?.bytes ?? 0)
}

function hasEarlySystem(ramdisk: BootRamdisk): ramdisk is EarlySystem {
  return ramdisk.ramRoot !== undefined
}

function exactly({ image, version }: { image: string; version: string }): string {
  return `${image.replace(/[:@].*/, '')}@${version}`
}

type ScriptParts = Pick<ReadyPlan, 'choice' | 'ramRoot' | 'early'> & {
  plane: BootPlane
  machine: Machine
  facts: ScriptFacts
}

function scriptOf({ plane, machine, choice, ramRoot, early, facts }: ScriptParts): KernelBoot {
  const place = ramRootPlace(ramRoot)
  return {
    kind: 'kernel',
    title: `${machine.name}: ${choice.image} from memory`,
    server: plane.url,
    kernelPath: `${place}/${ramRoot.kernel}`,
    initrdPaths: [...ramRoot.initrds.map((name) => `${place}/${name}`), `/ramdisk/${early.id}/${early.ramRoot.file}`],
    kernelArguments: [...wordsFor(plane, facts), ...(choice.arguments ?? [])],
  }
}

/** Of what follows `current` the version before is known; what was named exactly is what runs. */
async function chooseVersion(plane: BootPlane, { id }: Machine, choice: RamrootChoice, wanted: Version) {
  const followsCurrent = /^[^:@]+(:current)?$/.test(choice.image)
  const previous = followsCurrent
    ? await plane.images.resolve(`${wanted.image}:previous`).catch(() => undefined)
    : undefined
  return chooseRamrootVersion({ wanted: wanted.id, previous: previous?.id }, await plane.ramroots.list(id))
}

/** Where the files of a form are on the boot plane. */
export function ramRootPlace({ version, form }: Pick<RamRoot, 'version' | 'form'>): string {
  return `/versions/${version}/ramroot/${form}`
}

export function sizesOf(ramRoot: RamRoot): RamrootSizes {
  const rootBytes = ramRootFile(ramRoot, ramRoot.root).sizeBytes
  const { form: rendition, contentBytes } = ramRoot
  return { rendition, contentBytes, rootBytes, loadedBytes: bytesToFetch(ramRoot) - rootBytes }
}

/** A later argument of the same name wins: the operator's own stand last. */
function wordsFor(plane: BootPlane, { mac, token, vlan, architecture }: ScriptFacts): string[] {
  return [
    'rdinit=/.bootwright/init',
    `${agentArguments.server}=${plane.url}`,
    `${agentArguments.token}=${token}`,
    `${agentArguments.bootInterface}=01-${formatMacHyphen(mac)}`,
    ...(vlan === undefined ? [] : [`${agentArguments.vlan}=${vlan}`]),
    ...(plane.consoles ?? defaultConsoles[architecture]).map((console) => `console=${console}`),
    'panic=15',
  ]
}

/** Who boots first has it made, and asks again. */
async function startMaking(
  { images }: BootPlane,
  version: string,
  { image, rendition }: RamrootChoice,
): Promise<string> {
  if ((await images.renditions(version)).includes(rendition)) return `${image} was made anew this moment; try again`
  const making = images.makeRendition(version, rendition)
  // It goes on when nobody waits for it; what it fails with at once is worth a word.
  const early = await Promise.race([making.then(() => undefined), soon()]).catch((error: Error) => error)
  making.catch(() => undefined)
  if (early instanceof JobFailed || early instanceof NotReady) return early.message
  return `${rendition} of ${image} is being made, which takes minutes; 'bootwright image render ${image} ${rendition}' shows how far it is`
}

const waitMs = 2000

function soon(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, waitMs))
}
