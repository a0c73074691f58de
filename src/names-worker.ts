import { parentPort, workerData } from 'node:worker_threads'
import { MemoryDirectory } from './core/directory.ts'
import type { Lease } from './core/lease.ts'
import type { BootRecord } from './core/machine.ts'
import type { NamedAddress, Upstream } from './core/name-service.ts'
import type { DirectoryOrder } from './directory-worker.ts'
import { Forwarder } from './dns/forwarder.ts'
import { NameBook } from './dns/name-book.ts'
import { type NameInterface, serveNames } from './dns/server.ts'
import { readLeaseJournal } from './store/lease-journal.ts'

/** What the thread of the name server is started with. */
export type NamesWorkerData = {
  interfaces: NameInterface[]
  domain: string
  upstreams: Upstream[]
  reservations: NamedAddress[]
  records: BootRecord[]
  leaseFile: string
}

export type NamesWorkerOrder = DirectoryOrder | { kind: 'leased'; leases: Lease[] }

export type NamesWorkerMessage =
  | { kind: 'ready' }
  | { kind: 'silent'; reason: string }
  | { kind: 'fault'; error: unknown }

const port = parentPort!
const given = workerData as NamesWorkerData
const { interfaces, domain, upstreams, reservations } = given
const directory = new MemoryDirectory(given.records)
const subnets = interfaces.flatMap((link) => link.subnets)
const names = new NameBook({ directory, subnets, reservations })
const stop = new AbortController()
const tell = (message: NamesWorkerMessage) => port.postMessage(message)

// What was granted while the journal is read comes after it.
for (const lease of readLeases()) names.putLease(lease)
port.on('message', (order: NamesWorkerOrder) => {
  if (order.kind === 'put') directory.put(order.record)
  else if (order.kind === 'delete') directory.delete(order.id)
  else if (order.kind === 'leased') for (const lease of order.leases) names.putLease(lease)
  else stop.abort()
})

const forwarder =
  upstreams.length > 0
    ? new Forwarder({ upstreams, onSilent: ({ message }) => tell({ kind: 'silent', reason: message }) })
    : undefined
let ready = 0
const servers = interfaces.map((link) =>
  serveNames({
    interface: link,
    context: { domain, names, subnets },
    ...(forwarder && { forwarder }),
    onReady: () => {
      ready += 1
      if (ready === interfaces.length) tell({ kind: 'ready' })
    },
    onFault: (error) => tell({ kind: 'fault', error }),
    signal: stop.signal,
  }),
)
await Promise.all(servers)
port.close()

/** None where the packet servers have not yet made the journal. */
function readLeases(): Lease[] {
  try {
    return readLeaseJournal(given.leaseFile)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
