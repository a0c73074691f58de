import { basename } from 'node:path'
import type { ErrandStep } from '../../core/errand.ts'
import type { Disk } from '../../core/inventory.ts'
import { oneLine } from '../../core/one-line.ts'
import { diskFacts, type WipeAttemptRecord, type WipeRecord } from '../../core/wipe-record.ts'
import { BlockDevice } from '../blocks/block-device.ts'
import { plantCanaries } from './canaries.ts'
import { type ChosenAttempts, notReached, type WipeFacts } from './choose-attempts.ts'
import { type Erased, erase } from './erase.ts'
import type { EraseContext } from './erase-context.ts'
import { type Before, type Examination, examine, examineWhole, readSamples } from './examine.ts'
import { controllerOf } from './read-facts.ts'
import { describeAttempt, type WipeAttempt } from './wipe-attempt.ts'

const longestAnswer = 1000

/** Erases under way by what they are of: a controller's is done once for all its namespaces. */
export type SharedErases = Map<string, Promise<Erased>>

/** One disk through its attempts, each in three steps, until one is shown to have erased it or none is left. */
export class DiskWipe {
  readonly record: WipeRecord
  readonly sizeBytes: number
  /** Where it failed for good. */
  failedStep: ErrandStep | undefined
  readonly #disk: Disk
  readonly #facts: WipeFacts
  readonly #attempts: WipeAttempt[]
  #before: Before | undefined
  #erased: (Erased & { seconds: number }) | undefined

  constructor(disk: Disk, facts: WipeFacts, { attempts, leftOut }: ChosenAttempts) {
    this.#disk = disk
    this.#facts = facts
    this.#attempts = [...attempts]
    this.sizeBytes = disk.sizeBytes
    this.record = { ...diskFacts(disk), erased: false, attempts: [], leftOut, notReached: [] }
  }

  /** There is something to try yet. */
  get isOpen(): boolean {
    return !this.record.erased && this.failedStep === undefined
  }

  /** An erase was acknowledged and is not verified yet. */
  get isAcknowledged(): boolean {
    return this.#erased !== undefined
  }

  get #attempt(): WipeAttempt {
    return this.#attempts[0]!
  }

  /** Failures of the disk are its record's; an abort is thrown. */
  async plant(signal: AbortSignal): Promise<void> {
    try {
      await using device = await BlockDevice.open(this.#disk.device)
      const samples = await readSamples(device, signal)
      this.#before = { samples, canaries: await plantCanaries(device, signal) }
    } catch (error) {
      signal.throwIfAborted()
      this.#fail('plant-canaries', oneLine((error as Error).message, longestAnswer))
    }
  }

  async erase(context: EraseContext, shared: SharedErases): Promise<void> {
    const startedAt = performance.now()
    const seconds = () => Number(((performance.now() - startedAt) / 1000).toFixed(2))
    try {
      const erased = await this.#eraseOnce(context, shared)
      this.#erased = { ...erased, seconds: seconds() }
    } catch (error) {
      context.signal.throwIfAborted()
      const answer = oneLine((error as Error).message, longestAnswer)
      this.#tried('erase', { outcome: 'refused', answer, seconds: seconds() }, answer)
    }
  }

  async verify(signal: AbortSignal, onShare: (share: number) => void): Promise<void> {
    const { answer, seconds } = this.#erased!
    const tried = { answer: oneLine(answer, longestAnswer), seconds }
    try {
      const examination = await this.#examine(signal, onShare)
      const verification = describeExamination(examination, this.#before!)
      if (examination.survivorCount === 0) this.#succeed({ ...tried, verification })
      else this.#tried('verify', { ...tried, verification, outcome: 'not-erased' }, verification)
    } catch (error) {
      signal.throwIfAborted()
      const verification = oneLine((error as Error).message, longestAnswer)
      this.#tried('verify', { ...tried, verification, outcome: 'not-erased' }, verification)
    }
    this.#erased = undefined
  }

  async #examine(signal: AbortSignal, onShare: (share: number) => void): Promise<Examination> {
    await using device = await BlockDevice.open(this.#disk.device)
    if (device.sizeBytes !== this.sizeBytes) {
      throw new Error(`the disk had ${this.sizeBytes} bytes before it was erased, and has ${device.sizeBytes} now`)
    }
    await device.flush() // which also drops what a cache of the kernel has of it
    const { leaves } = this.#erased!
    if (leaves.kind !== 'zeros') return await examine(device, this.#before!, leaves, signal)
    return await examineWhole(device, signal, (bytesDone) => onShare(bytesDone / device.sizeBytes))
  }

  #eraseOnce(context: EraseContext, shared: SharedErases): Promise<Erased> {
    const { device } = this.#disk
    if (!this.#isOfController()) return erase(device, this.#attempt, context)
    const key = `${controllerOf(basename(device), '/sys') ?? device} ${describeAttempt(this.#attempt)}`
    const known = shared.get(key)
    if (known) return known
    const started = erase(device, this.#attempt, context)
    shared.set(key, started)
    return started
  }

  #isOfController(): boolean {
    if (this.#facts.kind !== 'nvme') return false
    const { method } = this.#attempt
    return method === 'sanitize' || (method === 'format' && this.#facts.abilities.formatOfAll)
  }

  #succeed(tried: Omit<WipeAttemptRecord, 'method' | 'outcome'>): void {
    this.record.attempts.push({ method: describeAttempt(this.#attempt), outcome: 'erased', ...tried })
    this.record.notReached = notReached(this.#attempt, this.#facts)
    this.record.erased = true
  }

  /** That attempt did not do it: the next one is to be tried, where there is one. */
  #tried(step: ErrandStep, tried: Omit<WipeAttemptRecord, 'method'>, why: string): void {
    const method = describeAttempt(this.#attempt)
    this.record.attempts.push({ method, ...tried })
    this.#attempts.shift()
    if (this.#attempts.length === 0) this.#fail(step, `after ${method}: ${why}`)
  }

  #fail(step: ErrandStep, reason: string): void {
    this.failedStep = step
    this.record.failure = reason
  }
}

function describeExamination(examination: Examination, { canaries, samples }: Before): string {
  const { bytesRead, survivors, survivorCount } = examination
  const [first] = survivors
  if (first !== undefined) {
    const more = survivorCount > 1 ? `, and ${survivorCount - 1} more such places` : ''
    const verb = first.what === 'unreadable' ? 'cannot be read' : `holds ${nameOfSurvivor(first.what)}`
    return `byte ${first.offset} ${verb}${more}`
  }
  const found = (['zeros', 'ones', 'pattern', 'changed'] as const)
    .filter((what) => examination[what] > 0)
    .map((what) => `${examination[what]} ${blockNames[what]}`)
  return `none of ${canaries.places.length} canaries is left; ${bytesRead} bytes read, with ${samples.size} samples: ${found.join(', ')}`
}

const blockNames = {
  zeros: 'blocks of zeros',
  ones: 'blocks of ones',
  pattern: 'blocks of what was written',
  changed: 'blocks of something else than before',
} as const

function nameOfSurvivor(what: 'canary' | 'old data' | 'something else'): string {
  if (what === 'canary') return 'a canary that was planted there before'
  return what === 'old data' ? 'what was there before' : 'what should not be there'
}
