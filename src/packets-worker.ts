import { parentPort, workerData } from 'node:worker_threads'
import type { BootTree } from './boot/tree.ts'
import { formatIpv4 } from './bytes/ipv4.ts'
import { MemoryDirectory } from './core/directory.ts'
import type { BootRecord } from './core/machine.ts'
import type { DhcpEvent } from './dhcp/dhcp-event.ts'
import { serveDhcp } from './dhcp/server.ts'
import type { SubnetConfig } from './dhcp/subnet-config.ts'
import { openLeaseStore } from './store/lease-store.ts'
import { serveTftp, type TftpEvent } from './tftp/server.ts'

/** What the thread of the packet servers is started with. */
export type PacketsWorkerData = {
  interface: string
  config: SubnetConfig
  leaseFile: string
  tree: BootTree
  tokenKey: Uint8Array
  tokenLifetimeSeconds: number
  records: BootRecord[]
}

export type PacketsWorkerOrder = { kind: 'put'; record: BootRecord } | { kind: 'delete'; id: string } | { kind: 'stop' }

export type PacketsWorkerMessage =
  | { kind: 'ready' }
  | { kind: 'dhcp'; event: DhcpEvent }
  | { kind: 'tftp'; event: TftpEvent }

const port = parentPort!
const given = workerData as PacketsWorkerData
const directory = new MemoryDirectory(given.records)
const stop = new AbortController()
const tell = (message: PacketsWorkerMessage) => port.postMessage(message)

port.on('message', (order: PacketsWorkerOrder) => {
  if (order.kind === 'put') directory.put(order.record)
  else if (order.kind === 'delete') directory.delete(order.id)
  else stop.abort()
})

const leases = await openLeaseStore(given.leaseFile)
await Promise.all([
  serveDhcp({
    interface: given.interface,
    config: given.config,
    directory,
    leases,
    bootTokens: { key: given.tokenKey, lifetimeSeconds: given.tokenLifetimeSeconds },
    onDecision: (event) => tell({ kind: 'dhcp', event }),
    onReady: () => tell({ kind: 'ready' }),
    signal: stop.signal,
  }),
  serveTftp({
    interface: given.interface,
    address: formatIpv4(given.config.serverAddress),
    tree: given.tree,
    onEvent: (event) => tell({ kind: 'tftp', event }),
    signal: stop.signal,
  }),
])
await leases.close()
port.close()
