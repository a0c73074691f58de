import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Logger } from 'pino'
import type { Lease } from './core/lease.ts'
import type { BootRecord } from './core/machine.ts'
import type { NamedAddress } from './core/name-service.ts'
import type { Machines } from './deploy/machines.ts'
import type { StateChanges } from './deploy/state-changes.ts'
import type { DhcpSite } from './dhcp/dhcp-site.ts'
import type { SubnetConfig } from './dhcp/subnet-config.ts'
import { type DirectorySource, recordOf, runDirectoryWorker } from './directory-worker.ts'
import type { NamesWorkerData, NamesWorkerMessage, NamesWorkerOrder } from './names-worker.ts'
import type { ServeOptions } from './server.ts'
import { type Component, restarting } from './supervise.ts'

/** `onLeased`: to be told of the leases that are on disk. */
export type NamesPart = Component & { onLeased: (leases: Lease[]) => void }

type Parts = {
  options: Pick<ServeOptions, 'dataDirectory'>
  dhcp: DhcpSite
  site: { state: StateChanges; machines: Machines }
  log: Logger
  supervision: Parameters<typeof restarting>[1]
}

/** How often it is said that a server does not answer. */
const silentQuietMs = 60_000

/** DNS in a thread of its own, which is told of every change to a machine or lease. Undefined where it is off. */
export function namesPart(parts: Parts): NamesPart | undefined {
  const { names } = parts.dhcp
  if (!names) return undefined
  let give: ((order: NamesWorkerOrder) => void) | undefined
  const hears = hearer(parts.log, () => {
    part.ready()
    parts.log.info({ domain: names.domain, interfaces: names.interfaces }, 'names are answered')
  })
  const setGive = (next: typeof give) => {
    give = next
  }
  const run = (signal: AbortSignal) => runNames(parts, { hears, setGive, signal })
  const part = restarting({ name: 'names', run }, parts.supervision)
  return { ...part, onLeased: (leases) => give?.({ kind: 'leased', leases }) }
}

type Running = {
  hears: (message: NamesWorkerMessage) => void
  setGive: (give: ((order: NamesWorkerOrder) => void) | undefined) => void
  signal: AbortSignal
}

function runNames(parts: Parts, { hears, setGive, signal }: Running): Promise<void> {
  const { state, machines } = parts.site
  const listRecords = async () => (await machines.list()).map(recordOf)
  const start = (records: BootRecord[]): Worker => {
    const workerData = workerDataOf(parts, records)
    const worker = new Worker(new URL('./names-worker.ts', import.meta.url), { workerData, name: 'names' })
    worker.on('message', hears)
    return worker
  }
  const onMachine: DirectorySource['onMachine'] = (listener) => state.onMachine(listener)
  return runDirectoryWorker<NamesWorkerOrder>({ listRecords, onMachine }, start, signal, setGive).finally(() =>
    setGive(undefined),
  )
}

function workerDataOf({ options, dhcp }: Parts, records: NamesWorkerData['records']): NamesWorkerData {
  const { domain, upstreams, interfaces: served, addresses } = dhcp.names!
  const subnets = dhcp.interfaces.flatMap((link) => link.subnets)
  return {
    ...{ domain, upstreams, records },
    leaseFile: join(options.dataDirectory, 'leases.journal'),
    interfaces: dhcp.interfaces
      .filter(({ name }) => served.includes(name))
      .map(({ name, serverAddress, subnets: own }) => ({
        ...{ name, serverAddress },
        subnets: own.map(({ subnet }) => subnet),
      })),
    reservations: [...subnets.flatMap(namedReservations), ...addresses],
  }
}

function namedReservations({ reservations }: SubnetConfig): NamedAddress[] {
  const all = [...(reservations?.byAddress.values() ?? [])]
  return all.flatMap(({ name, address }) => (name === undefined ? [] : [{ name, address }]))
}

function hearer(log: Logger, onReady: () => void): (message: NamesWorkerMessage) => void {
  let saidAt = Number.NEGATIVE_INFINITY
  return (message) => {
    if (message.kind === 'ready') onReady()
    else if (message.kind === 'fault') log.error({ err: message.error }, 'names')
    else if (performance.now() - saidAt > silentQuietMs) {
      saidAt = performance.now()
      log.warn({ reason: message.reason }, 'a DNS server of names.forward does not answer')
    }
  }
}
