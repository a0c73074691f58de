import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
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

type Waiting = {
  work: (change: Change) => Promise<unknown>
  resolve: (result: unknown) => void
  reject: (error: unknown) => void
}

/** Who only reads waits for a transaction: it is not to be long. */
const mostTogether = 64
const longestPauseMs = 20

/**
 * The only way state is written: rows and timeline events in one transaction, listeners after it is on disk, so that
 * neither the packet servers nor a person ever see what a crash could take back.
 */
export class StateChanges {
  readonly db: StateDatabase
  readonly #clock: () => number
  readonly #eventListeners = new Set<EventListener>()
  readonly #machineListeners = new Set<MachineListener>()
  readonly #waiting: Waiting[] = []
  #isCommitting = false

  constructor(db: StateDatabase, clock: () => number = Date.now) {
    this.db = db
    this.#clock = clock
  }

  now(): number {
    return this.#clock()
  }

  /** Resolves when it is on disk. What is asked for while another commit is under way is committed together. */
  commit<Result>(work: (change: Change) => Promise<Result>): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    this.#waiting.push({ work, resolve: resolve as (result: unknown) => void, reject })
    if (!this.#isCommitting) void this.#commitWaiting()
    return promise
  }

  async #commitWaiting(): Promise<void> {
    this.#isCommitting = true
    while (this.#waiting.length > 0) {
      const startedAt = performance.now()
      await this.#commitTogether(this.#waiting.splice(0, mostTogether))
      // The thread stands still while it waits for the disk: as long again it is for others, who bring more to commit together.
      if (this.#waiting.length > 0) await pause(Math.min(longestPauseMs, performance.now() - startedAt))
    }
    this.#isCommitting = false
  }

  /** One transaction, and one wait for the disk, for all of them; one that fails takes back only what it did itself. */
  async #commitTogether(group: readonly Waiting[]): Promise<void> {
    const settle: (() => void)[] = []
    try {
      await this.db.transaction().execute(async (db) => {
        for (const each of group) settle.push(await this.#work(db, each))
      })
    } catch (error) {
      for (const { reject } of group) reject(error)
      return
    }
    for (const each of settle) each()
  }

  /** Gives what is to be done once the transaction is on disk. */
  async #work(db: StateDatabase, { work, resolve, reject }: Waiting): Promise<() => void> {
    const now = this.#clock()
    const events: TimelineEvent[] = []
    const machines: Parameters<MachineListener>[0][] = []
    await sql`savepoint work`.execute(db)
    try {
      const result = await work({
        db,
        now,
        tell: async (event) => void events.push(await insertEvent(db, { ...event, at: now })),
        machineChanged: (machine) => void machines.push({ kind: 'changed', machine }),
        machineRemoved: (machine) => void machines.push({ kind: 'removed', machine }),
      })
      await sql`release work`.execute(db)
      return () => {
        try {
          for (const change of machines) for (const listener of this.#machineListeners) listener(change)
          for (const event of events) for (const listener of this.#eventListeners) listener(event)
          resolve(result)
        } catch (error) {
          reject(error)
        }
      }
    } catch (error) {
      await sql`rollback to work`.execute(db)
      await sql`release work`.execute(db)
      return () => reject(error)
    }
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
