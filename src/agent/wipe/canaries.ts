import { randomBytes } from 'node:crypto'
import { allocateAligned } from '../blocks/aligned-memory.ts'
import { choosePlaces, placeBytes } from './choose-places.ts'
import { fillKeystream } from './keystream.ts'
import type { WipeDevice } from './wipe-device.ts'

/** Blocks of known noise on a disk: what is still there after it was erased shows that it was not. */
export type Canaries = { places: readonly number[]; content: (place: number) => Uint8Array }

/** What is written and flushed is not there when it is read back: nothing that is done to such a disk can be shown. */
export class CanaryLost extends Error {
  override readonly name = 'CanaryLost'
  readonly device: string
  readonly offset: number

  constructor(device: string, offset: number) {
    super(
      `Cannot wipe ${device}: it acknowledges writes and does not keep them (byte ${offset} does not hold what was just ` +
        'written there). Flash that is worn out does this, and storage with a write protection; destroy the disk',
    )
    this.device = device
    this.offset = offset
  }
}

/** Writes canaries at both ends and in every region, and reads each back from the disk. Throws DeviceFailed, CanaryLost. */
export async function plantCanaries(device: WipeDevice, signal: AbortSignal): Promise<Canaries> {
  const key = randomBytes(32)
  const content = (place: number) => {
    const bytes = new Uint8Array(placeBytes)
    fillKeystream(key, place, bytes)
    return bytes
  }
  const places = choosePlaces(device.sizeBytes, true, Math.random)
  const memory = new Uint8Array(allocateAligned(placeBytes)).subarray(0, placeBytes)
  for (const place of places) {
    signal.throwIfAborted()
    memory.set(content(place))
    await device.write(memory, place)
  }
  await device.flush()
  for (const place of places) {
    signal.throwIfAborted()
    await device.read(memory, place)
    if (!Buffer.from(content(place)).equals(memory)) throw new CanaryLost(device.path, place)
  }
  return { places, content }
}
