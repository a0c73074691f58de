import type { DhcpEvent } from './dhcp-event.ts'

/** So many at once, and so many a second for longer. */
type Rate = { burst: number; perSecond: number }

/** A thousand machines that are switched on together are told whole. */
const bootRate: Rate = { burst: 4000, perSecond: 200 }
/** Leases of operating systems, packets that are left alone: of interest when there are few. */
const otherRate: Rate = { burst: 200, perSecond: 50 }
const tellUntoldMs = 5000

/**
 * Lets events through up to a rate, so that a flood of packets costs the packets' thread alone. What is left out is
 * counted and told as one event.
 */
export class EventLimiter {
  /** Tells an event without asking: a fault, another server, or what mayTell() let through. */
  readonly tell: (event: DhcpEvent) => void
  readonly #boots: Bucket
  readonly #others: Bucket
  #untold = 0
  #untoldAt = 0

  constructor(tell: (event: DhcpEvent) => void, now = performance.now()) {
    this.tell = tell
    this.#boots = new Bucket(bootRate, now)
    this.#others = new Bucket(otherRate, now)
  }

  /** Asked before an event is put into words; one that may not be told is counted. */
  mayTell(isAboutBooting: boolean, now = performance.now()): boolean {
    const may = (isAboutBooting ? this.#boots : this.#others).take(now)
    if (!may) this.#untold += 1
    if (this.#untold > 0 && now - this.#untoldAt >= tellUntoldMs) {
      this.tell({ kind: 'untold', count: this.#untold })
      this.#untold = 0
      this.#untoldAt = now
    }
    return may
  }
}

/** Holds up to a burst of tokens, and fills at a steady rate. */
class Bucket {
  readonly #rate: Rate
  #tokens: number
  #filledAt: number

  constructor(rate: Rate, now: number) {
    this.#rate = rate
    this.#tokens = rate.burst
    this.#filledAt = now
  }

  take(now: number): boolean {
    const { burst, perSecond } = this.#rate
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#filledAt) * perSecond) / 1000)
    this.#filledAt = now
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }
}
