import { statSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { type BootTree, lookUp } from './boot/tree.ts'
import { formatIpv4, ipv4FromBytes, subnetContains } from './bytes/ipv4.ts'
import { MemoryDirectory } from './core/directory.ts'
import type { ExplainRequest, Explanation } from './core/explanation.ts'
import type { Lease } from './core/lease.ts'
import type { BootRecord } from './core/machine.ts'
import type { DhcpEvent } from './dhcp/dhcp-event.ts'
import type { DhcpInterface, DhcpSite } from './dhcp/dhcp-site.ts'
import { type DhcpServerOptions, serveDhcp } from './dhcp/server.ts'
import type { DirectoryOrder } from './directory-worker.ts'
import { openLeaseStore } from './store/lease-store.ts'
import { tellLeases } from './store/tell-leases.ts'
import { runTftpWorker } from './tftp/run-tftp-worker.ts'
import type { TftpEvent } from './tftp/tftp-event.ts'

/** What the thread of the packet servers is started with. */
export type PacketsWorkerData = {
  site: DhcpSite
  leaseFile: string
  /** Whether somebody is to be told of every lease. */
  tellsLeases: boolean
  tree: BootTree
  tokenKey: Uint8Array
  tokenLifetimeSeconds: number
  records: BootRecord[]
  /** By interface: ports to who makes boot scripts, for loaders that fetch them over TFTP. */
  scripts: ReadonlyMap<string, MessagePort>
}

export type PacketsWorkerOrder = DirectoryOrder | { kind: 'explain'; id: number; request: ExplainRequest }

export type PacketsWorkerMessage =
  | { kind: 'ready' }
  | { kind: 'dhcp'; event: DhcpEvent }
  | { kind: 'tftp'; event: TftpEvent }
  | { kind: 'leased'; leases: Lease[] }
  | { kind: 'explained'; id: number; explanation: Explanation }

type Explain = Parameters<NonNullable<DhcpServerOptions['onReady']>>[0]

const port = parentPort!
const given = workerData as PacketsWorkerData
const { interfaces, rules, ownAddresses } = given.site
const directory = new MemoryDirectory(given.records)
const stop = new AbortController()
const explainers = new Map<DhcpInterface, Explain>()
const tell = (message: PacketsWorkerMessage) => port.postMessage(message)

port.on('message', (order: PacketsWorkerOrder) => {
  if (order.kind === 'put') directory.put(order.record)
  else if (order.kind === 'delete') directory.delete(order.id)
  else if (order.kind === 'explain') tell({ kind: 'explained', id: order.id, explanation: explain(order.request) })
  else stop.abort()
})

function explain({ packet, interface: name, address, isUnicast, localPort }: ExplainRequest): Explanation {
  const relay = packet.length >= 28 ? ipv4FromBytes(packet, 24) : 0
  const serves = ({ subnets }: DhcpInterface) => subnets.some(({ subnet }) => subnetContains(subnet, relay as never))
  const link = interfaces.find((each) => (name === undefined ? serves(each) : each.name === name))
  const chosen = link ?? (name === undefined ? interfaces[0] : undefined)
  const explainer = chosen && explainers.get(chosen)
  if (!explainer) return { interface: name ?? '', answer: 'DHCP is not heard on that interface' }
  return explainer(packet, { address, port: 68, isUnicast, localPort })
}

const loaderSeenMs = 10_000
const loaders = new Map<string, { isThere: boolean; at: number }>()

/** Looked for again after a while: an operator may put one there. */
function hasLoader(bootFile: string): boolean {
  const now = performance.now()
  const known = loaders.get(bootFile)
  if (known && now - known.at < loaderSeenMs) return known.isThere
  const found = lookUp(given.tree, bootFile)
  const places = found.kind === 'places' ? found.places : []
  const isThere = places.some(({ file }) => statSync(file, { throwIfNoEntry: false })?.isFile())
  loaders.set(bootFile, { isThere, at: now })
  return isThere
}

const places = interfaces
  .filter(({ isSilent }) => !isSilent)
  .map(({ name, serverAddress }) => {
    const scripts = given.scripts.get(name)
    return { interface: name, address: formatIpv4(serverAddress), ...(scripts && { scripts }) }
  })
const onEvent = (event: TftpEvent) => tell({ kind: 'tftp', event })
const { tree } = given
const tftp = places.length > 0 ? runTftpWorker({ places, tree, onEvent, signal: stop.signal }) : undefined

preferThisThread()
const store = await openLeaseStore(given.leaseFile)
const leases = given.tellsLeases ? tellLeases(store, (written) => tell({ kind: 'leased', leases: written })) : store
const dhcpServers = interfaces.map((link) =>
  serveDhcp({
    ...{ interface: link, rules, ownAddresses, directory, leases, hasLoader },
    bootTokens: { key: given.tokenKey, lifetimeSeconds: given.tokenLifetimeSeconds },
    onDecision: (event) => tell({ kind: 'dhcp', event }),
    onReady: (explainer) => {
      explainers.set(link, explainer)
      if (explainers.size === interfaces.length) tell({ kind: 'ready' })
    },
    signal: stop.signal,
  }),
)
await Promise.all([...dhcpServers, tftp])
await leases.close()
port.close()

/**
 * Before all other threads of the service where a processor is short, and with it the leases' thread: who starts a thread
 * gives it its own niceness. On Linux 0 is the calling thread.
 */
function preferThisThread(): void {
  try {
    setPriority(0, constants.priority.PRIORITY_HIGH)
  } catch {
    // Not allowed (no CAP_SYS_NICE): it takes its turn.
  }
}
