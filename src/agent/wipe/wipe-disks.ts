import type { ErrandStep } from '../../core/errand.ts'
import { nameOfDisk, type WipeResult } from '../../core/wipe-record.ts'
import type { StepReporter } from '../step-reporter.ts'
import { type OnBytes, runStep } from '../step-run.ts'
import type { DiskWipe, SharedErases } from './disk-wipe.ts'

/** Disks that are not erased; `result` has what was done to each, those that are erased among them. */
export class DisksNotErased extends Error {
  override readonly name = 'DisksNotErased'
  readonly step: ErrandStep
  readonly result: WipeResult

  constructor(step: ErrandStep, result: WipeResult) {
    const failed = result.disks.filter(({ erased }) => !erased)
    const reasons = failed.map(
      (record) => `${nameOfDisk(record)} is NOT erased: ${record.failure ?? 'it was not finished'}`,
    )
    const others = result.disks.length - failed.length
    super(reasons.join('; ') + (others > 0 ? `; ${others} other ${others === 1 ? 'disk is' : 'disks are'} erased` : ''))
    this.step = step
    this.result = result
  }
}

/** A drive that erases itself says nothing for hours; the server waits for a word. */
const aliveEveryMs = 60_000

/**
 * Wipes disks at the same time, in rounds: each round tries one method on every disk that is not erased yet, and reads back
 * what that left. Throws DisksNotErased when one of them ran out of methods.
 */
export async function wipeDisks(
  wipes: readonly DiskWipe[],
  { reporter, signal }: { reporter: StepReporter; signal: AbortSignal },
): Promise<WipeResult> {
  for (let open = isOpen(wipes); open.length > 0; open = isOpen(open)) await wipeRound(open, { reporter, signal })
  const result = { disks: wipes.map(({ record }) => record) }
  const failed = wipes.find(({ failedStep }) => failedStep !== undefined)
  if (failed?.failedStep !== undefined) throw new DisksNotErased(failed.failedStep, result)
  return result
}

type Round = { reporter: StepReporter; signal: AbortSignal }

async function wipeRound(wipes: readonly DiskWipe[], { reporter, signal }: Round): Promise<void> {
  await runStep(reporter, 'plant-canaries', async () => {
    await Promise.all(wipes.map((wipe) => wipe.plant(signal)))
    return { value: undefined, ...noticeOf(wipes.filter(({ isOpen }) => !isOpen)) }
  })
  const planted = isOpen(wipes)
  if (planted.length === 0) return
  await runStep(reporter, 'erase', async (onBytes) => {
    using progress = new SharedProgress(planted, onBytes)
    const shared: SharedErases = new Map()
    await Promise.all(planted.map((wipe) => wipe.erase({ signal, onShare: progress.of(wipe) }, shared)))
    return { value: undefined, ...noticeOf(planted) }
  })
  const acknowledged = planted.filter(({ isAcknowledged }) => isAcknowledged)
  if (acknowledged.length === 0) return
  await runStep(reporter, 'verify', async (onBytes) => {
    using progress = new SharedProgress(acknowledged, onBytes)
    await Promise.all(acknowledged.map((wipe) => wipe.verify(signal, progress.of(wipe))))
    return { value: undefined, ...noticeOf(acknowledged.filter(({ record }) => !record.erased)) }
  })
}

function isOpen(wipes: readonly DiskWipe[]): DiskWipe[] {
  return wipes.filter((wipe) => wipe.isOpen)
}

/** What went wrong in a step that goes on with the other disks, or by another method. */
function noticeOf(wipes: readonly DiskWipe[]): { notice?: string } {
  const words = wipes.flatMap(({ record, isAcknowledged, failedStep }) => {
    const last = record.attempts.at(-1)
    if (isAcknowledged || record.erased) return []
    if (failedStep !== undefined) return [`${nameOfDisk(record)}: ${record.failure}`]
    return last === undefined ? [] : [`${nameOfDisk(record)}: ${last.method}: ${last.verification ?? last.answer}`]
  })
  return words.length === 0 ? {} : { notice: words.join('; ').slice(0, 2000) }
}

/** Shares of several disks as bytes of all of them, told at least every minute. */
class SharedProgress implements Disposable {
  readonly #bytes = new Map<DiskWipe, number>()
  readonly #total: number
  readonly #onBytes: OnBytes
  readonly #timer: NodeJS.Timeout

  constructor(wipes: readonly DiskWipe[], onBytes: OnBytes) {
    this.#total = wipes.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    this.#onBytes = onBytes
    this.#timer = setInterval(() => this.#tell(), aliveEveryMs)
  }

  of(wipe: DiskWipe): (share: number) => void {
    return (share) => {
      this.#bytes.set(wipe, Math.floor(share * wipe.sizeBytes))
      this.#tell()
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #tell(): void {
    const done = [...this.#bytes.values()].reduce((sum, bytes) => sum + bytes, 0)
    this.#onBytes(done, this.#total)
  }
}
