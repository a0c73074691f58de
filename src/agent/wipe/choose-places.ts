/** What is planted and read back at one place; a multiple of every disk's sector. */
export const placeBytes = 4096

const mib = 2 ** 20
/** On a large disk this many regions have a place each; on a small one each MiB. */
const mostRegions = 512

/**
 * Where a disk is looked at, in order: one place somewhere in each of many regions of equal size, and with `ends` its first
 * and last bytes. `random` gives a number from 0 to below 1.
 */
export function choosePlaces(sizeBytes: number, ends: boolean, random: () => number): number[] {
  const blocks = Math.floor(sizeBytes / placeBytes)
  const regions = Math.max(1, Math.min(mostRegions, Math.floor(sizeBytes / mib)))
  const places = new Set<number>(ends && blocks > 0 ? [0, blocks - 1] : [])
  for (let region = 0; region < regions; region++) {
    const first = Math.floor((region * blocks) / regions)
    const end = Math.floor(((region + 1) * blocks) / regions)
    if (end > first) places.add(first + Math.floor(random() * (end - first)))
  }
  return [...places].sort((a, b) => a - b).map((block) => block * placeBytes)
}
