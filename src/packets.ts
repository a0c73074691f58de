import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { answerForwarded, type ForwardedHandler } from './content/answer-forwarded.ts'
import type { ExplainRequest, Explanation } from './core/explanation.ts'
import type { Lease } from './core/lease.ts'
import type { BootRecord } from './core/machine.ts'
import { type DirectorySource, runDirectoryWorker } from './directory-worker.ts'
import type { PacketEvent } from './packet-timeline.ts'
import type { PacketsWorkerData, PacketsWorkerMessage, PacketsWorkerOrder } from './packets-worker.ts'
import type { Component } from './supervise.ts'

type PacketsOptions = Omit<PacketsWorkerData, 'records' | 'scripts' | 'tellsLeases'> &
  DirectorySource & {
    /** By interface: who makes boot scripts there. */
    scriptHandlers: ReadonlyMap<string, ForwardedHandler>
    onFault: (error: unknown) => void
    onEvent: (event: PacketEvent) => void
    /** Told of the leases that are on disk. */
    onLeased?: (leases: Lease[]) => void
    onReady: () => void
  }

/** The packet servers are not running, or do not answer. */
export class PacketServersSilent extends Error {
  override readonly name = 'PacketServersSilent'
}

const explainTimeoutMs = 5000

/** DHCP and TFTP in a thread of their own, which is told of every change to a machine. */
export function packetsComponent(
  options: PacketsOptions,
): Component & { explain(request: ExplainRequest): Promise<Explanation> } {
  const questions = new Questions()
  return {
    name: 'packets',
    run: (signal) => runPackets(options, questions, signal),
    explain: (request) => questions.ask(request),
  }
}

/** Questions to the thread that have no answer yet. */
class Questions {
  give: ((order: PacketsWorkerOrder) => void) | undefined
  readonly #waiting = new Map<number, (explanation: Explanation) => void>()
  #last = 0

  /** Rejects with PacketServersSilent. */
  async ask(request: ExplainRequest): Promise<Explanation> {
    if (!this.give) throw new PacketServersSilent('The packet servers are not running')
    const id = ++this.#last
    const answer = Promise.withResolvers<Explanation>()
    const reason = `The packet servers did not answer in ${explainTimeoutMs / 1000} s`
    const timer = setTimeout(() => answer.reject(new PacketServersSilent(reason)), explainTimeoutMs)
    this.#waiting.set(id, answer.resolve)
    this.give({ kind: 'explain', id, request })
    try {
      return await answer.promise
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(id)
    }
  }

  answered(id: number, explanation: Explanation): void {
    this.#waiting.get(id)?.(explanation)
  }
}

function runPackets(options: PacketsOptions, questions: Questions, signal: AbortSignal): Promise<void> {
  const { listRecords, onMachine, onEvent, onLeased, onReady, scriptHandlers, onFault, ...settings } = options
  const start = (records: BootRecord[]): Worker => {
    const scripts = new Map([...scriptHandlers].map(([name, handler]) => [name, scriptPort(handler, onFault)]))
    const tellsLeases = onLeased !== undefined
    const workerData: PacketsWorkerData = { ...settings, records, scripts, tellsLeases }
    const transferList = [...scripts.values()]
    const worker = new Worker(new URL('./packets-worker.ts', import.meta.url), {
      ...{ workerData, transferList, name: 'packets' },
    })
    worker.on('message', (message: PacketsWorkerMessage) => {
      if (message.kind === 'ready') onReady()
      else if (message.kind === 'leased') onLeased?.(message.leases)
      else if (message.kind === 'explained') questions.answered(message.id, message.explanation)
      else onEvent(message)
    })
    questions.give = (order) => worker.postMessage(order)
    return worker
  }
  return runDirectoryWorker({ listRecords, onMachine }, start, signal).finally(() => {
    questions.give = undefined
  })
}

/** The other end is answered until it is closed, which it is with its thread. */
function scriptPort(handler: ForwardedHandler, onFault: (error: unknown) => void): MessagePort {
  const { port1, port2 } = new MessageChannel()
  answerForwarded(port1, handler, onFault)
  return port2
}
