import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { BootRecord, Machine } from './core/machine.ts'
import type { PacketEvent } from './packet-timeline.ts'
import type { PacketsWorkerData, PacketsWorkerMessage, PacketsWorkerOrder } from './packets-worker.ts'
import type { Component } from './supervise.ts'

type PacketsOptions = Omit<PacketsWorkerData, 'records'> & {
  listRecords: () => Promise<BootRecord[]>
  /** Calls back with every change after it is on disk; returns what ends that. */
  onMachine: (
    listener: (change: { kind: 'changed'; machine: Machine } | { kind: 'removed'; machine: Machine }) => void,
  ) => () => void
  onEvent: (event: PacketEvent) => void
  onReady: () => void
}

/** DHCP and TFTP in a thread of their own, which is told of every change to a machine. */
export function packetsComponent(options: PacketsOptions): Component {
  return { name: 'packets', run: (signal) => runPackets(options, signal) }
}

async function runPackets(options: PacketsOptions, signal: AbortSignal): Promise<void> {
  const { listRecords, onMachine, onEvent, onReady, ...settings } = options
  const waiting: PacketsWorkerOrder[] = []
  let give: (order: PacketsWorkerOrder) => void = (order) => waiting.push(order)
  // Listened to from before the list is read: a change in between is applied after it.
  const stopListening = onMachine(({ kind, machine }) =>
    give(kind === 'changed' ? { kind: 'put', record: recordOf(machine) } : { kind: 'delete', id: machine.id }),
  )
  try {
    const workerData: PacketsWorkerData = { ...settings, records: await listRecords() }
    const worker = new Worker(new URL('./packets-worker.ts', import.meta.url), { workerData, name: 'packets' })
    worker.on('message', (message: PacketsWorkerMessage) => (message.kind === 'ready' ? onReady() : onEvent(message)))
    give = (order) => worker.postMessage(order)
    for (const order of waiting) give(order)
    const stop = () => give({ kind: 'stop' })
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    await once(worker, 'exit')
    signal.removeEventListener('abort', stop)
  } finally {
    stopListening()
  }
}

export function recordOf({ id, name, macs, group, address, intent }: Machine): BootRecord {
  return { id, name, macs, group, intent, ...(address !== undefined && { address }) }
}
