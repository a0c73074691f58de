import { randomBytes } from 'node:crypto'
import { runProgram } from '../../programs/run-program.ts'
import { BlockDevice } from '../blocks/block-device.ts'
import { placeBytes } from './choose-places.ts'
import { sanitizeAta, secureErase } from './erase-ata.ts'
import type { EraseContext } from './erase-context.ts'
import { formatNvme, sanitizeNvme } from './erase-nvme.ts'
import { formatScsi, sanitizeScsi } from './erase-scsi.ts'
import type { Leaves } from './examine.ts'
import { overwrite, type Pattern, patternAt } from './overwrite.ts'
import type { WipeAttempt } from './wipe-attempt.ts'

/** What a device said of an erase, and what it must have left. */
export type Erased = { answer: string; leaves: Leaves }

const discardTimeoutMs = 3600_000

/** Does it to a disk that nobody else has open. That it is done is not known from this: read it back. Rejects where it was refused. */
export async function erase(device: string, attempt: WipeAttempt, context: EraseContext): Promise<Erased> {
  switch (attempt.method) {
    case 'sanitize':
      return { answer: await sanitize(device, attempt, context), leaves: { kind: 'changed' } }
    case 'format': {
      const answer =
        attempt.by === 'scsi' ? formatScsi(device, context) : formatNvme(device, attempt.secureErase, context)
      return { answer: await answer, leaves: { kind: 'changed' } }
    }
    case 'secure-erase':
      return { answer: await secureErase(device, attempt.enhanced, context), leaves: { kind: 'changed' } }
    case 'discard':
      return { answer: await discard(device, context), leaves: { kind: 'zeros' } }
    case 'overwrite':
      return overwriteDisk(device, attempt.pattern, context)
  }
}

function sanitize(
  device: string,
  { by, action }: WipeAttempt & { method: 'sanitize' },
  context: EraseContext,
): Promise<string> {
  if (by === 'nvme') return sanitizeNvme(device, action, context)
  return by === 'ata' ? sanitizeAta(device, action, context) : sanitizeScsi(device, action, context)
}

async function discard(device: string, { signal }: EraseContext): Promise<string> {
  await runProgram('blkdiscard', ['--force', '--step', '1GiB', device], { timeoutMs: discardTimeoutMs, signal })
  return 'every discard was acknowledged'
}

async function overwriteDisk(path: string, kind: Pattern['kind'], { signal, onShare }: EraseContext): Promise<Erased> {
  const pattern: Pattern = kind === 'zeros' ? { kind } : { kind, key: randomBytes(32) }
  await using device = await BlockDevice.open(path)
  await overwrite(device, pattern, { signal, onBytes: (bytesDone) => onShare(bytesDone / device.sizeBytes) })
  const answer = `${device.sizeBytes} bytes were written and flushed`
  return { answer, leaves: { kind: 'pattern', expected: (place) => patternAt(pattern, place, placeBytes) } }
}
