import type { Machine } from '../core/machine.ts'
import { Conflict } from './refusals.ts'

/** An idle agent is always asking, but for a second between two questions. */
const askedWithinMs = 10_000

/** Agents that are told to restart their machine when they next ask: of those that wait, or are kept for a person. */
export class Departures {
  readonly #wanted = new Map<string, () => void>()
  readonly #watchers = new Set<(machineId: string) => void>()

  /** Resolves when the agent has been told. Throws Conflict when none asks. */
  async request({ id, name }: Pick<Machine, 'id' | 'name'>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    this.#wanted.set(id, () => resolve(true))
    for (const watcher of this.#watchers) watcher(id)
    const timer = setTimeout(() => resolve(false), askedWithinMs)
    const isTold = await promise
    clearTimeout(timer)
    this.#wanted.delete(id)
    if (!isTold) throw new Conflict(`No agent waits on ${name}: it is off, at work, or has booted something else`)
  }

  /** Whether the agent that asks now is to restart its machine; then its wish is fulfilled. */
  take(machineId: string): boolean {
    const told = this.#wanted.get(machineId)
    told?.()
    return told !== undefined
  }

  /** Hears at once of which machine it is wanted; gives what ends that. */
  onWanted(watcher: (machineId: string) => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }
}
