/** What the operator says of the link; where they say nothing it is measured, beginning with 1 Gbit/s. */
export type RamdiskLimits = {
  bytesPerSecond?: number
  /** How many machines load the agent at once, whatever the link takes. */
  atOnce?: number
}

export type RamdiskTurn =
  | { kind: 'now'; waitedMs: number }
  /** `place`: 1 is the next. `isNew`: it did not wait before. */
  | { kind: 'wait'; place: number; etaSeconds: number; askAgainSeconds: number; isNew: boolean }

export type RamdiskQueueStatus = {
  loading: number
  waiting: number
  /** Until the last one that waits begins. */
  etaSeconds: number
  bytesPerSecond: number
}

/** What is on its way is what the link takes in this time: enough that it is never idle while the next one asks. */
const windowSeconds = 10
/** So many never wait, unless the operator says otherwise. */
const neverWaiting = 16
const fewestAtOnce = 2
const usualBytesPerSecond = 100e6
/** Of whose ramdisk nothing moved for so long, and whose agent is not up, is taken for gone. */
const silenceMs = 60_000
const askAgain = { fewest: 2, most: 15 }
/** Beyond its time to ask again: then a machine that waits is taken for gone. */
const patienceMs = 20_000
/** A new measurement counts for this much. */
const measuredShare = 1 / 8

type Loading = { address: string; bytes: number; leftBytes: number; since: number; movedAt: number; atOnce: number }
type Waiting = { bytes: number; since: number; askAgainBy: number }

/**
 * Who loads the agent's ramdisk now, and who waits for a turn: a thousand machines that share a link all at once finish
 * together, late; one after the other most of them are early and none is later. Pure: the clock is given.
 */
export class RamdiskQueue {
  readonly #limits: RamdiskLimits
  readonly #loading = new Map<string, Loading>()
  /** In the order in which they first asked. */
  readonly #waiting = new Map<string, Waiting>()
  #measured = usualBytesPerSecond

  constructor(limits: RamdiskLimits = {}) {
    this.#limits = limits
  }

  /** A machine (`id`) asks to load that much from its address. `mayWait: false`: its loader cannot. */
  ask(id: string, load: { address: string; bytes: number; mayWait?: boolean }, now: number): RamdiskTurn {
    this.#forgetGone(now)
    const { address, bytes, mayWait = true } = load
    const waited = this.#waiting.get(id)
    const place = this.#placeOf(id)
    const free = this.#atOnce(bytes) - this.#loading.size
    if (!mayWait || this.#loading.has(id) || place <= free) {
      this.#waiting.delete(id)
      const atOnce = this.#loading.size + 1
      this.#loading.set(id, { address, bytes, leftBytes: bytes, since: now, movedAt: now, atOnce })
      return { kind: 'now', waitedMs: waited ? now - waited.since : 0 }
    }
    const etaSeconds = Math.max(1, Math.ceil(((place - Math.max(0, free)) * bytes) / this.#bytesPerSecond()))
    const askAgainSeconds = Math.min(askAgain.most, Math.max(askAgain.fewest, Math.round(etaSeconds / 3)))
    const askAgainBy = now + askAgainSeconds * 1000 + patienceMs
    this.#waiting.set(id, { bytes, since: waited?.since ?? now, askAgainBy })
    return { kind: 'wait', place, etaSeconds, askAgainSeconds, isNew: waited === undefined }
  }

  /** So many bytes of a ramdisk went to an address; 0: a file is on its way, and moves. */
  transferred(address: string, bytes: number, now: number): void {
    for (const [id, loading] of this.#loading) {
      if (loading.address !== address) continue
      loading.movedAt = now
      loading.leftBytes -= bytes
      if (loading.leftBytes <= 0) {
        this.#loading.delete(id)
        this.#measure(loading, now)
      }
      return
    }
  }

  /** Its agent is up. */
  started(id: string): void {
    this.#loading.delete(id)
  }

  status(now: number): RamdiskQueueStatus {
    this.#forgetGone(now)
    const bytesPerSecond = this.#bytesPerSecond()
    const waitingBytes = [...this.#waiting.values()].reduce((sum, { bytes }) => sum + bytes, 0)
    return {
      ...{ loading: this.#loading.size, waiting: this.#waiting.size },
      ...{ etaSeconds: Math.ceil(waitingBytes / bytesPerSecond), bytesPerSecond: Math.round(bytesPerSecond) },
    }
  }

  #bytesPerSecond(): number {
    return this.#limits.bytesPerSecond ?? this.#measured
  }

  #atOnce(bytes: number): number {
    const { atOnce = Number.POSITIVE_INFINITY, bytesPerSecond } = this.#limits
    const fewest = bytesPerSecond === undefined ? neverWaiting : fewestAtOnce
    return Math.min(atOnce, Math.max(fewest, Math.floor((this.#bytesPerSecond() * windowSeconds) / bytes)))
  }

  /** Of one that does not wait yet: behind all that do. */
  #placeOf(id: string): number {
    let place = 1
    for (const other of this.#waiting.keys()) {
      if (other === id) return place
      place += 1
    }
    return place
  }

  /** By Little's law: what was under way beside it, over the time it took. A link that is not shared tells nothing. */
  #measure({ bytes, since, atOnce }: Loading, now: number): void {
    if (this.#waiting.size === 0) return
    const beside = (atOnce + this.#loading.size + 1) / 2
    const sample = (beside * bytes) / Math.max(0.05, (now - since) / 1000)
    this.#measured += (sample - this.#measured) * measuredShare
  }

  #forgetGone(now: number): void {
    for (const [id, { movedAt }] of this.#loading) if (now - movedAt > silenceMs) this.#loading.delete(id)
    for (const [id, { askAgainBy }] of this.#waiting) if (now > askAgainBy) this.#waiting.delete(id)
  }
}

export function describeRamdiskQueue({ loading, waiting, etaSeconds, bytesPerSecond }: RamdiskQueueStatus): string {
  const speed = `${(bytesPerSecond / 1e6).toFixed(0)} MB/s`
  return waiting === 0
    ? `${loading} load it, none wait`
    : `${loading} load it at ${speed}, ${waiting} wait, the last one for about ${etaSeconds} s`
}
