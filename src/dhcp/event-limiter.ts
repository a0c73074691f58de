import type { DhcpEvent } from './dhcp-event.ts'

/** A thousand machines that are switched on together are told; what comes faster for longer is a flood. */
const burstEvents = 4000
const eventsPerSecond = 200
const tellUntoldMs = 5000

/**
 * Lets events through up to a rate, so that a flood of packets costs the packets' thread alone. What is left out is
 * counted and told as one event. Faults and other servers always pass.
 */
export class EventLimiter {
  readonly #tell: (event: DhcpEvent) => void
  #tokens = burstEvents
  #filledAt: number
  #untold = 0
  #untoldAt = 0

  constructor(tell: (event: DhcpEvent) => void, now = performance.now()) {
    this.#tell = tell
    this.#filledAt = now
  }

  put(event: DhcpEvent, now = performance.now()): void {
    this.#tokens = Math.min(burstEvents, this.#tokens + ((now - this.#filledAt) * eventsPerSecond) / 1000)
    this.#filledAt = now
    if (this.#tokens >= 1) this.#tokens -= 1
    else if (event.kind !== 'failed' && event.kind !== 'other-server') {
      this.#untold += 1
      if (now - this.#untoldAt >= tellUntoldMs) this.#tellUntold(now)
      return
    }
    if (this.#untold > 0 && now - this.#untoldAt >= tellUntoldMs) this.#tellUntold(now)
    this.#tell(event)
  }

  #tellUntold(now: number): void {
    this.#tell({ kind: 'untold', count: this.#untold })
    this.#untold = 0
    this.#untoldAt = now
  }
}
