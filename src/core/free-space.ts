import type { PartitionTable } from './partition-table.ts'

const mib = 2 ** 20
/** Multiples of 1 MiB are multiples of every sector and erase block that is to be expected, 512n, 512e and 4Kn alike. */
export const alignmentBytes = mib

/** A stretch of the disk, from the first byte to the one behind the last. */
export type Gap = { startBytes: number; endBytes: number }

/** What a new partition asks for; `undefined`: the rest. */
export type Wanted = { sizeBytes: number | undefined; smallestBytes: number }

/** There is no place; `largestBytes` is the largest free space that was left. */
export type NoRoom = { kind: 'no-room'; index: number; largestBytes: number }

/** Free space between the partitions of a table, aligned inwards; gaps too small for anything are left out. */
export function freeGaps({ firstUsableBytes, endUsableBytes, partitions }: PartitionTable): Gap[] {
  const gaps: Gap[] = []
  let startBytes = firstUsableBytes
  const places = partitions.map((partition) => ({
    startBytes: partition.startBytes,
    endBytes: partition.startBytes + partition.sizeBytes,
  }))
  places.sort((a, b) => a.startBytes - b.startBytes)
  for (const place of [...places, { startBytes: endUsableBytes, endBytes: endUsableBytes }]) {
    const gap = aligned({ startBytes, endBytes: place.startBytes })
    if (gap.endBytes > gap.startBytes) gaps.push(gap)
    startBytes = Math.max(startBytes, place.endBytes)
  }
  return gaps
}

/**
 * A place for each of the wanted, in their order: those with a size in the smallest gap that holds them, the one that
 * takes the rest in what is then the largest. Inside a gap they lie in the order they were asked for.
 */
export function placeInGaps(wanted: readonly Wanted[], gaps: readonly Gap[]): Gap[] | NoRoom {
  const left = gaps.map((gap) => ({ gap, freeBytes: gap.endBytes - gap.startBytes, inside: [] as number[] }))
  const bySize = () => left.toSorted((a, b) => a.freeBytes - b.freeBytes)
  const sized = wanted.flatMap((want, index) => (want.sizeBytes === undefined ? [] : [{ index, want }]))
  const rest = wanted.flatMap((want, index) => (want.sizeBytes === undefined ? [{ index, want }] : []))
  for (const { index, want } of [...sized, ...rest]) {
    const needed = Math.ceil((want.sizeBytes ?? want.smallestBytes) / alignmentBytes) * alignmentBytes
    const order = bySize()
    const chosen = want.sizeBytes === undefined ? order.at(-1) : order.find(({ freeBytes }) => freeBytes >= needed)
    const largestBytes = order.at(-1)?.freeBytes ?? 0
    if (chosen === undefined || chosen.freeBytes < needed) return { kind: 'no-room', index, largestBytes }
    chosen.inside.push(index)
    chosen.freeBytes -= want.sizeBytes === undefined ? chosen.freeBytes : needed
  }
  const places: Gap[] = []
  for (const { gap, inside } of left) fill(gap, inside, wanted, places)
  return places
}

function fill(gap: Gap, inside: number[], wanted: readonly Wanted[], places: Gap[]): void {
  const sizeOf = (index: number) => Math.ceil((wanted[index]!.sizeBytes ?? 0) / alignmentBytes) * alignmentBytes
  const restBytes = gap.endBytes - gap.startBytes - inside.reduce((sum, index) => sum + sizeOf(index), 0)
  let startBytes = gap.startBytes
  for (const index of inside.sort((a, b) => a - b)) {
    const endBytes = startBytes + (wanted[index]!.sizeBytes === undefined ? restBytes : sizeOf(index))
    places[index] = { startBytes, endBytes }
    startBytes = endBytes
  }
}

function aligned({ startBytes, endBytes }: Gap): Gap {
  return {
    startBytes: Math.ceil(startBytes / alignmentBytes) * alignmentBytes,
    endBytes: Math.floor(endBytes / alignmentBytes) * alignmentBytes,
  }
}
