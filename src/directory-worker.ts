import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import type { BootRecord, Machine } from './core/machine.ts'

/** What every thread with a directory of machines understands. */
export type DirectoryOrder = { kind: 'put'; record: BootRecord } | { kind: 'delete'; id: string } | { kind: 'stop' }

export type DirectorySource = {
  listRecords: () => Promise<BootRecord[]>
  /** Calls back with every change after it is on disk; returns what ends that. */
  onMachine: (
    listener: (change: { kind: 'changed'; machine: Machine } | { kind: 'removed'; machine: Machine }) => void,
  ) => () => void
}

/**
 * Runs the thread that `start` makes of the machines there are, and tells it of every change to them, until it has ended;
 * the signal has it stop. `onGive` gets at once what hands it further orders: they wait until it is there.
 */
export async function runDirectoryWorker<Order = never>(
  { listRecords, onMachine }: DirectorySource,
  start: (records: BootRecord[]) => Worker,
  signal: AbortSignal,
  onGive?: (give: (order: Order) => void) => void,
): Promise<void> {
  const waiting: (DirectoryOrder | Order)[] = []
  let give = (order: DirectoryOrder | Order): void => void waiting.push(order)
  // Listened to from before the list is read: a change in between is applied after it.
  const stopListening = onMachine(({ kind, machine }) =>
    give(kind === 'changed' ? { kind: 'put', record: recordOf(machine) } : { kind: 'delete', id: machine.id }),
  )
  onGive?.((order) => give(order))
  try {
    const worker = start(await listRecords())
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

export function recordOf({ id, name, macs, group, address, intent, approved }: Machine): BootRecord {
  const more = { ...(address !== undefined && { address }), ...(!approved && { isNewcomer: true }) }
  return { id, name, macs, group, intent, ...more }
}
