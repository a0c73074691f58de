import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Logger, pino } from 'pino'
import { bootPlaneApp } from './api/boot-plane.ts'
import { BtrfsStreams } from './api/btrfs-streams.ts'
import { type ButterknifePlace, butterknifePart } from './butterknife-part.ts'
import { formatIpv4 } from './bytes/ipv4.ts'
import { isServed } from './content/open-file.ts'
import type { AccessEvent, MoveEvent } from './content/server.ts'
import { bootPlaneHandler, contentPart } from './content-part.ts'
import { RamdiskQueue } from './core/ramdisk-queue.ts'
import type { CheckedFile } from './core/yaml-file.ts'
import { AgentOrders } from './deploy/agent-orders.ts'
import { AgentSessions } from './deploy/agent-sessions.ts'
import { Deployments } from './deploy/deployments.ts'
import { Errands } from './deploy/errands.ts'
import { Machines } from './deploy/machines.ts'
import { Ramroots } from './deploy/ramroots.ts'
import { openSiteKeys, type SiteKeys } from './deploy/site-keys.ts'
import { StateChanges } from './deploy/state-changes.ts'
import { Updates } from './deploy/updates.ts'
import type { DhcpSite } from './dhcp/dhcp-site.ts'
import { makeSite } from './dhcp/make-site.ts'
import type { SiteFile } from './dhcp/site-file.ts'
import { refuseDynamicAddresses } from './dynamic-address.ts'
import { imageShelf, managementPart } from './management-part.ts'
import { namesPart } from './names-part.ts'
import { listInterfaceAddresses } from './net/interfaces.ts'
import { siteNewcomers } from './newcomer-rules.ts'
import { packetsPart } from './packets-part.ts'
import { ramdisksOf } from './ramdisks.ts'
import { rebuildsOf, rebuildsPart } from './rebuilds-part.ts'
import { diskLoaderOf, servingTree } from './serving-tree.ts'
import { siteConsoleMenus } from './site-console-menus.ts'
import { siteMenus } from './site-menus.ts'
import { describeInterfaces, siteStatus } from './site-status.ts'
import { openStateDatabase } from './store/state-database.ts'
import { type Component, type restarting, runComponents } from './supervise.ts'
import { deadlines, schedule, updating } from './timed-parts.ts'
import { timelinePart } from './timeline-part.ts'

export type ServeOptions = {
  /** Interfaces, subnets and what clients are told. */
  siteFile: CheckedFile<SiteFile>
  dataDirectory: string
  imageDirectory: string
  keyDirectory: string
  /** Published ramdisks, one for each architecture; made from Debian packages at the start where there are none. */
  ramdiskDirectories: readonly string[]
  /** Unix socket for local commands. */
  socketPath: string
  bootPort: number
  management: { host: string; port: number } | { fd: number }
  /** Of the agent's kernel; core/agent-architecture.ts has others. */
  consoles?: readonly string[]
  /** Off where not given. */
  butterknife?: ButterknifePlace
  logLevel: string
}

/** A boot attempt that takes longer than this from its DHCP answer to its agent asks anew. */
const bootTokenSeconds = 10 * 60
/** What the agents are given to report after the service was away. */
const absenceForgivenSeconds = 15 * 60

/** The whole service: builds its parts, runs them until the signal aborts or one fails for good, stops them in order. */
export async function serve(options: ServeOptions, signal: AbortSignal): Promise<void> {
  const log = pino({ level: options.logLevel }, pino.destination(2))
  const dhcp = await dhcpSiteOf(options, log)
  const menuOf = siteMenus(options.siteFile)
  const newcomersOf = siteNewcomers(options.siteFile)
  await mkdir(options.dataDirectory, { recursive: true, mode: 0o700 })
  const keys = await openSiteKeys(options.keyDirectory)
  const database = await openStateDatabase(join(options.dataDirectory, 'state.sqlite'))
  try {
    const state = new StateChanges(database)
    const rescue = options.siteFile.content.rescue ?? {}
    const site = buildSite(state, keys, rescue.passwordHash)
    const timeline = timelinePart(options.siteFile, state, log)
    await site.deployments.forgiveAbsence(absenceForgivenSeconds)
    await site.errands.forgiveAbsence(absenceForgivenSeconds)
    const places = bootPlaces(dhcp, options)
    const ramdisks = ramdisksOf(options, keys, log)
    const ramdiskQueue = ramdiskQueueOf(options)
    const tree = await servingTree(options, ramdisks.place, log)
    const images = await imageShelf(options, keys, site, log)
    const rebuilds = rebuildsOf({ options, state, images })
    const planeParts = {
      ...site,
      images,
      consoleMenuOf: siteConsoleMenus(options.siteFile.content),
      streams: new BtrfsStreams(images),
      tokenKey: keys.tokenKey,
      tokenLifetimeSeconds: bootTokenSeconds,
      ramdisk: ramdisks.state,
      ramdiskQueue,
      menuOf,
      newcomersOf,
      ...(options.consoles && { consoles: options.consoles }),
    }
    const handlers = places.map(({ url }) =>
      bootPlaneHandler(bootPlaneApp({ ...planeParts, url, ...diskLoaderOf(tree, url) }, log)),
    )
    const tellRestart = (part: string, reason: string) =>
      void state.commit((change) => change.tell({ kind: 'server', message: `${part} was restarted: ${reason}` }))
    const supervision = { log, onRestart: tellRestart }
    const scriptHandlers = new Map(places.map((place, index) => [place.interface, handlers[index]!]))
    const names = namesPart({ options, dhcp, site, log, supervision })
    const packets = packetsPart({
      ...{ options, dhcp, keys, bootTokenSeconds, site, tree, scriptHandlers, log, supervision },
      ...(names && { onLeased: names.onLeased }),
    })
    const onMove = ({ remoteAddress, url, sentBytes = 0 }: MoveEvent & Partial<AccessEvent>) => {
      if (/^\/(ramdisk|versions)\//.test(url)) ramdiskQueue.transferred(remoteAddress, sentBytes, state.now())
    }
    const shared = { options, tree, onAccess: onMove, onMove, log, supervision }
    const contents = places.map((place, index) => contentPart({ ...shared, ...place, handler: handlers[index]! }))
    const status = async () => ({
      ...{ ...siteStatus(dhcp, packets), ramdisk: ramdisks.describe() },
      ramdiskQueue: ramdiskQueue.status(state.now()),
      ...(await timeline.status()),
    })
    const ordering = {
      ...{ ...site, images, rescueKeys: rescue.sshKeys ?? [] },
      isServed: (path: string) => isServed(tree, path),
    }
    const management = managementPart({ options, keys, ordering, rebuilds, packets, timeline, status, log })
    announce(options, keys, dhcp, log)
    const others = [
      ...(names ? [names] : []),
      ramdisks.component,
      deadlines(site, bootTokenSeconds, log),
      schedule(ordering, log),
      updating(site.updates, log),
      rebuildsPart(rebuilds, log),
      ...timeline.components,
      ...butterknifeParts(options, keys, log, supervision),
    ]
    await runComponents([packets, ...contents, management, ...others], signal)
  } finally {
    await database.destroy()
  }
}

function ramdiskQueueOf({ siteFile: { content } }: ServeOptions): RamdiskQueue {
  const { ramdiskRate: bytesPerSecond, maximumRamdisks: atOnce } = content
  return new RamdiskQueue({
    ...(bytesPerSecond !== undefined && { bytesPerSecond }),
    ...(atOnce !== undefined && { atOnce }),
  })
}

type Supervision = Parameters<typeof restarting>[1]

function buildSite(state: StateChanges, keys: SiteKeys, passwordHash: string | undefined) {
  const machines = new Machines(state)
  const deployments = new Deployments(state)
  const errands = new Errands(state)
  const sessions = new AgentSessions(state)
  const orders = new AgentOrders({
    machines,
    deployments,
    errands,
    sessions,
    orderKey: keys.orderKey.privateKey,
    proofKey: keys.tokenKey,
    ...(passwordHash !== undefined && { passwordHash }),
  })
  const ramroots = new Ramroots(state, keys.tokenKey)
  return { state, machines, deployments, errands, ramroots, updates: new Updates(state, ramroots), sessions, orders }
}

/** What the site file says, on the interfaces as they are now. Throws YamlFileInvalid, InterfaceNotUsable. */
async function dhcpSiteOf({ siteFile, bootPort }: ServeOptions, log: Logger): Promise<DhcpSite> {
  const made = makeSite(siteFile.content, listInterfaceAddresses(), bootPort)
  if ('problems' in made) return siteFile.refuse(made.problems)
  await refuseDynamicAddresses(made.site.interfaces, siteFile.content, log)
  return made.site
}

function butterknifeParts(
  { butterknife, dataDirectory, imageDirectory }: ServeOptions,
  keys: SiteKeys,
  log: Logger,
  supervision: Supervision,
): Component[] {
  if (!butterknife) return []
  const signingKey = keys.imageKey
  return [butterknifePart({ place: butterknife, dataDirectory, imageDirectory, signingKey, log, supervision })]
}

/** Where the boot plane listens: on every interface that is answered. */
function bootPlaces({ interfaces }: DhcpSite, { bootPort }: ServeOptions) {
  return interfaces
    .filter(({ isSilent }) => !isSilent)
    .map(({ name, serverAddress }) => {
      const address = formatIpv4(serverAddress)
      return { interface: name, address, url: `http://${address}:${bootPort}` }
    })
}

function announce(options: ServeOptions, keys: SiteKeys, dhcp: DhcpSite, log: Logger): void {
  log.info({ interfaces: describeInterfaces(dhcp), socket: options.socketPath }, 'bootwright serves')
  if (keys.managementTokenIsNew) {
    process.stdout.write(`management token (shown once; kept in ${options.keyDirectory}): ${keys.managementToken}\n`)
  }
}
