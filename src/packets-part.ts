import { join } from 'node:path'
import type { Logger } from 'pino'
import type { BootTree } from './boot/tree.ts'
import type { ForwardedHandler } from './content/answer-forwarded.ts'
import type { Lease } from './core/lease.ts'
import type { Machines } from './deploy/machines.ts'
import type { SiteKeys } from './deploy/site-keys.ts'
import type { StateChanges } from './deploy/state-changes.ts'
import type { DhcpSite } from './dhcp/dhcp-site.ts'
import { recordOf } from './directory-worker.ts'
import { PacketTimeline } from './packet-timeline.ts'
import { packetsComponent } from './packets.ts'
import type { ServeOptions } from './server.ts'
import { type Component, restarting } from './supervise.ts'

export type PacketsPart = Component &
  Pick<ReturnType<typeof packetsComponent>, 'explain'> & { timeline: PacketTimeline }

/** The packet servers, restarted when they die, and what they did in the timelines. */
export function packetsPart(parts: {
  options: Pick<ServeOptions, 'dataDirectory'>
  dhcp: DhcpSite
  keys: SiteKeys
  bootTokenSeconds: number
  site: { state: StateChanges; machines: Machines }
  tree: BootTree
  scriptHandlers: ReadonlyMap<string, ForwardedHandler>
  /** Told of the leases that are on disk. */
  onLeased?: (leases: Lease[]) => void
  log: Logger
  supervision: Parameters<typeof restarting>[1]
}): PacketsPart {
  const { options, dhcp, keys, bootTokenSeconds, site, tree, scriptHandlers, onLeased, log, supervision } = parts
  const timeline = new PacketTimeline({ state: site.state, log })
  const packets = packetsComponent({
    site: dhcp,
    leaseFile: join(options.dataDirectory, 'leases.journal'),
    tree,
    tokenKey: keys.tokenKey,
    tokenLifetimeSeconds: bootTokenSeconds,
    listRecords: async () => (await site.machines.list()).map(recordOf),
    onMachine: (listener) => site.state.onMachine(listener),
    onEvent: (event) => timeline.tell(event),
    ...(onLeased && { onLeased }),
    scriptHandlers,
    onFault: (error) => log.error({ err: error }, 'a boot script over TFTP'),
    onReady: () => part.ready(),
  })
  const part = restarting(packets, supervision)
  return { ...part, explain: packets.explain, timeline }
}
