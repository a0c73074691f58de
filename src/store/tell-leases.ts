import type { Lease } from '../core/lease.ts'
import type { LeaseStore } from './lease-store.ts'

/** The same store, which tells of the leases that are on disk, those of one turn of the event loop together. */
export function tellLeases(store: LeaseStore, onWritten: (leases: Lease[]) => void): LeaseStore {
  let waiting: Lease[] = []
  const flush = () => {
    const leases = waiting
    waiting = []
    onWritten(leases)
  }
  return {
    load: () => store.load(),
    write: (lease, written) =>
      store.write(lease, (error) => {
        written(error)
        if (error) return
        if (waiting.length === 0) setImmediate(flush)
        waiting.push(lease)
      }),
    ended: store.ended,
    close: () => store.close(),
  }
}
