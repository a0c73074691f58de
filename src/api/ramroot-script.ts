import type { KernelBoot, RefusedBoot } from '../boot/boot-script.ts'
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
import type { BootPlane } from './boot-plane.ts'
import { JobFailed } from './image-jobs.ts'
import { NotReady } from './problem.ts'

type ScriptFacts = {
  mac: Mac
  token: string
  vlan: number | undefined
  architecture: AgentArchitecture
  isLook: boolean
}

/**
 * The script that runs a version from memory: what the tag means now, its own kernel, the early system and what this form of it is
 * loaded with. What cannot be run is refused in words, before anything is fetched.
 */
export async function ramrootScript(
  plane: BootPlane,
  machine: Machine,
  choice: RamrootChoice,
  facts: ScriptFacts,
): Promise<KernelBoot | RefusedBoot> {
  const refused = (reason: string): RefusedBoot => ({ kind: 'refused', title: machine.name, reason })
  const early = plane.ramdisk(facts.architecture)
  if (early.kind !== 'ready' || !early.ramdisk.ramRoot)
    return refused('the server is still making its ramdisk, try again in a minute')
  const wanted = await plane.images.resolve(choice.image).catch((error: Error) => error)
  if (wanted instanceof Error) return refused(wanted.message)
  const chosen = await chooseVersion(plane, machine, choice, wanted)
  const ramRoot = await plane.images.ramRoot(chosen.version, choice.rendition)
  if (!ramRoot) return refused(await startMaking(plane, chosen.version, choice))
  if (ramRoot.architecture !== facts.architecture) {
    return refused(
      `${choice.image} is for ${ramRoot.architecture} and this machine's firmware for ${facts.architecture}`,
    )
  }
  const inventory = (await plane.machines.inventory(machine.id)) as Inventory | undefined
  const unfit = ramrootRefusal(inventory, sizesOf(ramRoot), choice)
  if (unfit !== undefined) return refused(unfit)
  if (!facts.isLook) await plane.ramroots.begin(machine, choice, chosen)
  const { id, ramRoot: tools } = early.ramdisk
  const place = ramRootPlace(ramRoot)
  return {
    kind: 'kernel',
    title: `${machine.name}: ${choice.image} from memory`,
    server: plane.url,
    kernelPath: `${place}/${ramRoot.kernel}`,
    initrdPaths: [...ramRoot.initrds.map((name) => `${place}/${name}`), `/ramdisk/${id}/${tools.file}`],
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
