import { allocateAligned } from '../blocks/aligned-memory.ts'
import type { Canaries } from './canaries.ts'
import { choosePlaces, placeBytes } from './choose-places.ts'
import type { WipeDevice } from './wipe-device.ts'

/** What was on a disk before it was erased: the canaries, and samples of what was there anyway. */
export type Before = { canaries: Canaries; samples: ReadonlyMap<number, Uint8Array> }

/**
 * What a method must leave: `zeros`; `pattern`, which `expected` says for a place; or `changed`, where the device says by itself
 * what stands there afterwards (zeros, ones, or what an old key makes of the new one).
 */
export type Leaves =
  | { kind: 'zeros' }
  | { kind: 'changed' }
  | { kind: 'pattern'; expected: (place: number) => Uint8Array }

/** A place that is not as it must be. */
export type Survivor = { offset: number; what: 'canary' | 'old data' | 'something else' | 'unreadable' }

/** What reading back showed. Counts are of the blocks of 4 KiB that were read. */
export type Examination = {
  bytesRead: number
  zeros: number
  ones: number
  pattern: number
  changed: number
  /** The first ones; empty for a disk that is erased, as far as this tells. */
  survivors: Survivor[]
  survivorCount: number
}

/** The smallest unit a disk writes: of what is not erased whole, one such piece is enough. */
const pieceBytes = 512
const keptSurvivors = 20
const wholeReadBytes = 4 * 2 ** 20

/** Reads samples of what is on the disk; the canaries are not there yet. */
export async function readSamples(device: WipeDevice, signal: AbortSignal): Promise<ReadonlyMap<number, Uint8Array>> {
  const samples = new Map<number, Uint8Array>()
  const memory = aligned(placeBytes)
  for (const place of choosePlaces(device.sizeBytes, false, Math.random)) {
    signal.throwIfAborted()
    await device.read(memory, place)
    samples.set(place, memory.slice())
  }
  return samples
}

/** Reads the places of the canaries and of the samples back from an erased disk. What cannot be read is a survivor. */
export async function examine(
  device: WipeDevice,
  before: Before,
  leaves: Leaves,
  signal: AbortSignal,
): Promise<Examination> {
  const examination = emptyExamination()
  const memory = aligned(placeBytes)
  const look = async (place: number, old: Uint8Array, what: 'canary' | 'old data') => {
    signal.throwIfAborted()
    const isRead = await device.read(memory, place).then(
      () => true,
      () => false,
    )
    if (isRead) {
      examination.bytesRead += placeBytes
      judge(examination, place, { found: memory, old, what, leaves })
    } else addSurvivor(examination, { offset: place, what: 'unreadable' })
  }
  for (const place of before.canaries.places) await look(place, before.canaries.content(place), 'canary')
  for (const [place, old] of before.samples) await look(place, old, 'old data')
  return examination
}

/** Reads all of a disk, every byte of which must be zero. */
export async function examineWhole(
  device: WipeDevice,
  signal: AbortSignal,
  onBytes: (bytesDone: number) => void,
): Promise<Examination> {
  const examination = emptyExamination()
  const memory = aligned(wholeReadBytes)
  const zeros = Buffer.alloc(wholeReadBytes)
  for (let offset = 0; offset < device.sizeBytes; offset += wholeReadBytes) {
    signal.throwIfAborted()
    const part = memory.subarray(0, Math.min(wholeReadBytes, device.sizeBytes - offset))
    await device.read(part, offset)
    if (zeros.subarray(0, part.length).equals(part)) examination.zeros += Math.ceil(part.length / placeBytes)
    else addSurvivor(examination, { offset: offset + firstByte(part), what: 'something else' })
    examination.bytesRead += part.length
    onBytes(examination.bytesRead)
    // What was not discarded at its beginning is not going to be: the rest is read for nothing.
    if (examination.survivorCount >= keptSurvivors) break
  }
  return examination
}

type Look = { found: Uint8Array; old: Uint8Array; what: 'canary' | 'old data'; leaves: Leaves }

function judge(examination: Examination, place: number, { found, old, what, leaves }: Look): void {
  const left = findOld(found, old)
  if (left !== undefined) addSurvivor(examination, { offset: place + left, what })
  else if (isAll(found, 0)) examination.zeros++
  else if (leaves.kind === 'pattern' && Buffer.from(leaves.expected(place)).equals(found)) examination.pattern++
  else if (leaves.kind === 'changed' && isAll(found, 0xff)) examination.ones++
  else if (leaves.kind === 'changed') examination.changed++
  else addSurvivor(examination, { offset: place, what: 'something else' })
}

/** Where a piece of the old content is still there; what held no data (zeros, ones) cannot survive. */
function findOld(found: Uint8Array, old: Uint8Array): number | undefined {
  for (let at = 0; at < found.length; at += pieceBytes) {
    const piece = Buffer.from(found.buffer, found.byteOffset + at, pieceBytes)
    const isSame = piece.equals(old.subarray(at, at + pieceBytes))
    if (isSame && !isAll(piece, 0) && !isAll(piece, 0xff)) return at
  }
  return undefined
}

function isAll(bytes: Uint8Array, value: number): boolean {
  return bytes.every((byte) => byte === value)
}

function firstByte(bytes: Uint8Array): number {
  return bytes.findIndex((byte) => byte !== 0)
}

function addSurvivor(examination: Examination, survivor: Survivor): void {
  examination.survivorCount++
  if (examination.survivors.length < keptSurvivors) examination.survivors.push(survivor)
}

function emptyExamination(): Examination {
  return { bytesRead: 0, zeros: 0, ones: 0, pattern: 0, changed: 0, survivors: [], survivorCount: 0 }
}

function aligned(sizeBytes: number): Uint8Array {
  return new Uint8Array(allocateAligned(sizeBytes)).subarray(0, sizeBytes)
}
