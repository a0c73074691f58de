import { allocateAligned } from '../blocks/aligned-memory.ts'
import { fillKeystream } from './keystream.ts'
import type { WipeDevice } from './wipe-device.ts'

/** What every byte of a disk is written with: zeros, or noise that a key can say again. */
export type Pattern = { kind: 'zeros' } | { kind: 'random'; key: Uint8Array }

/** Parts of a disk that could not be written. */
export class PartsNotWritten extends Error {
  override readonly name = 'PartsNotWritten'
  readonly offsets: readonly number[]

  constructor(device: string, offsets: readonly number[], gaveUp: boolean) {
    const shown = offsets.slice(0, 5).join(', ')
    super(
      `${offsets.length} parts of 4 MiB of ${device} could not be written whole, at byte ${shown}` +
        `${offsets.length > 5 ? ' …' : ''}; ${gaveUp ? 'the rest was not tried' : 'the rest is overwritten'}. ` +
        'The disk is broken: destroy it',
    )
    this.offsets = offsets
  }
}

const partBytes = 4 * 2 ** 20
/** While one is written the next is made. */
const lanes = 2
/** A disk that takes a minute for every failed write is not waited for until it has failed everywhere. */
const mostFailures = 64

/**
 * Writes all of a disk from its start to its end, and flushes it. What cannot be written is passed over, so that as much as
 * possible is gone. Throws PartsNotWritten at the end, DeviceFailed of the flush; an abort ends it between two parts.
 */
export async function overwrite(
  device: WipeDevice,
  pattern: Pattern,
  { signal, onBytes }: { signal: AbortSignal; onBytes: (bytesDone: number) => void },
): Promise<void> {
  const failed: number[] = []
  let next = 0
  let bytesDone = 0
  const lane = async () => {
    const memory = new Uint8Array(allocateAligned(partBytes)).subarray(0, partBytes)
    while (next < device.sizeBytes && failed.length < mostFailures) {
      signal.throwIfAborted()
      const offset = next
      next += partBytes
      const part = memory.subarray(0, Math.min(partBytes, device.sizeBytes - offset))
      if (pattern.kind === 'random') fillKeystream(pattern.key, offset, part)
      await device.write(part, offset).catch(() => failed.push(offset))
      bytesDone += part.length
      onBytes(bytesDone)
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  await device.flush()
  if (failed.length === 0) return
  throw new PartsNotWritten(
    device.path,
    failed.sort((a, b) => a - b),
    failed.length >= mostFailures,
  )
}

/** What a place of a disk holds after it. */
export function patternAt(pattern: Pattern, place: number, sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes)
  if (pattern.kind === 'random') fillKeystream(pattern.key, place, bytes)
  return bytes
}
