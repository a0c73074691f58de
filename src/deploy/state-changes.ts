import type { Machine } from '../core/machine.ts'
import type { TimelineEvent } from '../core/timeline.ts'
import { insertEvent } from '../store/event-rows.ts'
import type { StateDatabase } from '../store/state-database.ts'

export type NewEvent = Omit<TimelineEvent, 'sequence' | 'at'>
/** A timeline event, or a passing one (`sequence` 0: progress inside a step) that is shown and not kept. */
export type EventListener = (event: TimelineEvent) => void
export type MachineListener = (
  change: { kind: 'changed'; machine: Machine } | { kind: 'removed'; machine: Machine },
) => void

/** One unit of work on the state: everything in it is committed together, then made known. */
export type Change = {
  db: StateDatabase
  now: number
  tell(event: NewEvent): Promise<void>
  machineChanged(machine: Machine): void
  machineRemoved(machine: Machine): void
}

/**
 * The only way state is written: rows and timeline events in one transaction, listeners after it is on disk, so that
 * neither the packet servers nor a person ever see what a crash could take back.
 */
export class StateChanges {
  readonly db: StateDatabase
  readonly #clock: () => number
  readonly #eventListeners = new Set<EventListener>()
  readonly #machineListeners = new Set<MachineListener>()

  constructor(db: StateDatabase, clock: () => number = Date.now) {
    this.db = db
    this.#clock = clock
  }

  now(): number {
    return this.#clock()
  }

  async commit<Result>(work: (change: Change) => Promise<Result>): Promise<Result> {
    const now = this.#clock()
    const events: TimelineEvent[] = []
    const machines: Parameters<MachineListener>[0][] = []
    const result = await this.db.transaction().execute((db) =>
      work({
        db,
        now,
        tell: async (event) => void events.push(await insertEvent(db, { ...event, at: now })),
        machineChanged: (machine) => void machines.push({ kind: 'changed', machine }),
        machineRemoved: (machine) => void machines.push({ kind: 'removed', machine }),
      }),
    )
    for (const change of machines) for (const listener of this.#machineListeners) listener(change)
    for (const event of events) for (const listener of this.#eventListeners) listener(event)
    return result
  }

  /** Shows an event without keeping it. */
  showPassing(event: NewEvent): void {
    for (const listener of this.#eventListeners) listener({ ...event, sequence: 0, at: this.#clock() })
  }

  /** Returns what ends the subscription. */
  onEvent(listener: EventListener): () => void {
    this.#eventListeners.add(listener)
    return () => this.#eventListeners.delete(listener)
  }

  onMachine(listener: MachineListener): () => void {
    this.#machineListeners.add(listener)
    return () => this.#machineListeners.delete(listener)
  }
}
