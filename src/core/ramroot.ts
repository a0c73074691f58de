import type { DataDisk, RamrootChoice } from './intent.ts'
import type { Inventory } from './inventory.ts'

/** One boot of a machine into a version that runs from memory. */
export type RamrootBoot = {
  id: string
  machineId: string
  /** The reference that was ordered, and what it meant at this boot. */
  image: string
  version: string
  rendition: RamrootChoice['rendition']
  /**
   * `loading`: the loader fetched its script; `starting`: the early system spoke. It is `up` when the system itself called, `failed`
   * when the early system said why not, `silent` when nothing more was heard of it in time or the machine booted anew.
   */
  state: 'loading' | 'starting' | 'up' | 'failed' | 'silent'
  bytesFetched: number
  failure?: string
  /** Milliseconds since the epoch. */
  startedAt: number
  endedAt?: number
}

/** How long a boot may take from its script to the system's own call. */
export const ramrootBootSeconds = 15 * 60

export function isUnderWay({ state }: Pick<RamrootBoot, 'state'>): boolean {
  return state === 'loading' || state === 'starting'
}

/** How often a version did not come up on a machine since it last did; `boots` newest first. What is under way counts as nothing. */
export function failedInARow(boots: readonly RamrootBoot[], version: string): number {
  let failures = 0
  for (const boot of boots) {
    if (boot.version !== version || isUnderWay(boot)) continue
    if (boot.state === 'up') break
    failures++
  }
  return failures
}

/** After so many boots in a row that did not come up, a machine runs the version before. */
export const failedBootsLimit = 3

/**
 * Which version a machine boots: the one its tag means, until that has failed too often on it and the one before has not. It stays
 * with that until the tag means another. `because` says why it is not the one that is meant. What was under way when the machine
 * asks did not come up, or it would not ask.
 */
export function chooseRamrootVersion(
  { wanted, previous }: { wanted: string; previous: string | undefined },
  history: readonly RamrootBoot[],
): { version: string; because?: string } {
  const boots = history.map((boot) => (isUnderWay(boot) ? { ...boot, state: 'silent' as const } : boot))
  const failures = failedInARow(boots, wanted)
  if (failures < failedBootsLimit || previous === undefined || previous === wanted) return { version: wanted }
  if (failedInARow(boots, previous) >= failedBootsLimit) return { version: wanted }
  const because = `${wanted.slice(0, 12)} did not come up ${failures} times in a row: the version before runs until the tag is moved`
  return { version: previous, because }
}

/** What a version takes of memory; sizes in bytes. */
export type RamrootSizes = {
  rendition: RamrootChoice['rendition']
  /** Unpacked, page by page. */
  contentBytes: number
  /** Of the file that holds the root, packed. */
  rootBytes: number
  /** Of everything else that is loaded: kernel and archives. */
  loadedBytes: number
}

const mebibyte = 1024 * 1024
/** What a kernel and a plain system need to be of use. */
const systemMegabytes = 160
export const defaultOverlayMegabytes = 256

/**
 * MiB of memory that a machine needs. Of an `initrd` the archive and what comes out of it are there at once, and the kernel gives
 * its first filesystem half of the memory.
 */
export function memoryNeeded(
  sizes: RamrootSizes,
  { overlayMegabytes = defaultOverlayMegabytes }: RamrootOverlay,
): number {
  const [content, root, loaded] = [sizes.contentBytes, sizes.rootBytes, sizes.loadedBytes].map((bytes) =>
    Math.ceil(bytes / mebibyte),
  ) as [number, number, number]
  if (sizes.rendition === 'squashfs') return root + overlayMegabytes + systemMegabytes
  return Math.max(2 * content, content + root + loaded + systemMegabytes)
}
type RamrootOverlay = Pick<RamrootChoice, 'overlayMegabytes'>

/** What the machine says it has is less than what is built in: firmware and kernel take some of it. */
const firmwareShare = 0.94

/** Why a machine cannot run it, where that is known before it tries. */
export function ramrootRefusal(
  inventory: Inventory | undefined,
  sizes: RamrootSizes,
  choice: RamrootChoice,
): string | undefined {
  if (inventory === undefined) return undefined
  const needs = memoryNeeded(sizes, choice)
  const has = Math.floor(inventory.memoryBytes / mebibyte)
  if (has >= needs * firmwareShare) return undefined
  const advice = sizes.rendition === 'initrd' ? '; as squashfs it needs less' : ''
  return `${choice.image} as ${choice.rendition} needs ${needs} MiB of memory and this machine has ${has} MiB${advice}`
}

/** Above this a whole root in memory is a waste. */
const plainLimitBytes = 300 * 1000 * 1000

/** What is worth saying of a choice that works. */
export function ramrootAdvice({ rendition, contentBytes }: RamrootSizes): string | undefined {
  if (rendition === 'squashfs' || contentBytes <= plainLimitBytes) return undefined
  return `its files are ${Math.round(contentBytes / 1e6)} MB, which all stay in memory: above 300 MB squashfs is recommended`
}

/** The order's word for who may be made: `any`, `serial=TEXT` or `none`. */
export function diskWord({ disk }: DataDisk): string {
  if (disk === undefined) return 'none'
  return disk === 'any' ? 'any' : `serial=${disk.serial}`
}
