import type { MessagePort } from 'node:worker_threads'
import type { ForwardedAnswer, ForwardedRequest } from './forward-protocol.ts'

export type ForwardOutcome =
  | { kind: 'answer'; answer: ForwardedAnswer }
  /** The main thread has not answered by the deadline. */
  | { kind: 'late' }
  /** It is gone, or has too much to do already. */
  | { kind: 'unavailable'; reason: string }

const mostPending = 4096

/** The boot plane's end of the port: pairs answers with requests, each with a deadline. */
export class Forwarder {
  readonly #port: MessagePort
  readonly #deadlineMs: number
  readonly #pending = new Map<number, (outcome: ForwardOutcome) => void>()
  #nextId = 1
  #isOpen = true

  constructor(port: MessagePort, deadlineMs: number) {
    this.#port = port
    this.#deadlineMs = deadlineMs
    port.on('message', (answer: ForwardedAnswer) => this.#pending.get(answer.id)?.({ kind: 'answer', answer }))
    port.on('close', () => this.#fail())
  }

  ask(request: Omit<ForwardedRequest, 'id'>): Promise<ForwardOutcome> {
    if (!this.#isOpen) return Promise.resolve(gone)
    if (this.#pending.size >= mostPending) {
      return Promise.resolve({ kind: 'unavailable', reason: `${mostPending} requests wait for an answer already` })
    }
    const id = this.#nextId++
    return new Promise((resolve) => {
      const settle = (outcome: ForwardOutcome) => {
        clearTimeout(timer)
        this.#pending.delete(id)
        resolve(outcome)
      }
      const timer = setTimeout(() => settle({ kind: 'late' }), this.#deadlineMs)
      this.#pending.set(id, settle)
      this.#port.postMessage({ id, ...request } satisfies ForwardedRequest)
    })
  }

  close(): void {
    this.#port.close()
    this.#fail()
  }

  #fail(): void {
    this.#isOpen = false
    for (const settle of [...this.#pending.values()]) settle(gone)
  }
}

const gone: ForwardOutcome = { kind: 'unavailable', reason: 'the service behind this address is restarting' }
