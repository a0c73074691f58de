import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Logger, pino } from 'pino'
import type { BootPlane } from './api/boot-plane.ts'
import { bootPlaneApp } from './api/boot-plane.ts'
import { BtrfsStreams } from './api/btrfs-streams.ts'
import { type BootTree, debianLoaders } from './boot/tree.ts'
import { type ButterknifePlace, butterknifePart } from './butterknife-part.ts'
import { formatIpv4, parseIpv4 } from './bytes/ipv4.ts'
import { makeDiskLoader } from './content/make-disk-loader.ts'
import { runContentWorker } from './content/run-content-worker.ts'
import { AgentOrders } from './deploy/agent-orders.ts'
import { AgentSessions } from './deploy/agent-sessions.ts'
import { Deployments } from './deploy/deployments.ts'
import { Machines } from './deploy/machines.ts'
import { openSiteKeys, type SiteKeys, trustOf } from './deploy/site-keys.ts'
import { StateChanges } from './deploy/state-changes.ts'
import { makeSubnetConfig, type SubnetConfig } from './dhcp/subnet-config.ts'
import { imageShelf, managementPart } from './management-part.ts'
import { interfaceAddress } from './net/interfaces.ts'
import { PacketTimeline } from './packet-timeline.ts'
import { packetsComponent, recordOf } from './packets.ts'
import { buildRamdisk, defaultCacheDirectory } from './ramdisk/build-ramdisk.ts'
import { type Ramdisk, readRamdisk } from './ramdisk/published-ramdisk.ts'
import { openStateDatabase } from './store/state-database.ts'
import { type Component, pause, restarting, runComponents } from './supervise.ts'

export type ServeOptions = {
  interface: string
  dataDirectory: string
  imageDirectory: string
  keyDirectory: string
  /** A published ramdisk; made from Debian packages at the start where not given. */
  ramdiskDirectory?: string
  /** Unix socket for local commands. */
  socketPath: string
  bootPort: number
  management: { host: string; port: number } | { fd: number }
  /** `10.0.0.100-10.0.0.200`. */
  range?: string
  router?: string
  dnsServers: readonly string[]
  leaseSeconds: number
  unknown: 'discover' | 'ignore'
  consoles: readonly string[]
  /** Off where not given. */
  butterknife?: ButterknifePlace
  logLevel: string
}

/** A boot attempt that takes longer than this from its DHCP answer to its agent asks anew. */
const bootTokenSeconds = 10 * 60
const deadlineCheckMs = 2000
/** What the agents are given to report after the service was away. */
const absenceForgivenSeconds = 15 * 60

/** The whole service: builds its parts, runs them until the signal aborts or one fails for good, stops them in order. */
export async function serve(options: ServeOptions, signal: AbortSignal): Promise<void> {
  const log = pino({ level: options.logLevel }, pino.destination(2))
  const config = subnetConfigOf(options)
  await mkdir(options.dataDirectory, { recursive: true, mode: 0o700 })
  const keys = await openSiteKeys(options.keyDirectory)
  const database = await openStateDatabase(join(options.dataDirectory, 'state.sqlite'))
  try {
    const state = new StateChanges(database)
    const site = buildSite(state, keys)
    await site.deployments.forgiveAbsence(absenceForgivenSeconds)
    const url = `http://${formatIpv4(config.serverAddress)}:${options.bootPort}`
    const ramdisk = ramdiskComponent(options, keys, log)
    const tree = await loaderTree(options, log)
    const hasDiskLoader = tree.some(({ at }) => at === diskLoaderPath)
    const images = await imageShelf(options, keys, site.deployments, log)
    const plane: BootPlane = {
      ...site,
      streams: new BtrfsStreams(options.imageDirectory, images),
      tokenKey: keys.tokenKey,
      url,
      ramdisk: ramdisk.current,
      ...(hasDiskLoader && { diskLoaderUrl: `${url}/loaders/${diskLoaderPath}` }),
      consoles: options.consoles,
    }
    const tellRestart = (part: string, reason: string) =>
      void state.commit((change) => change.tell({ kind: 'server', message: `${part} was restarted: ${reason}` }))
    const supervision = { log, onRestart: tellRestart }
    const packets = packetsPart({ options, config, keys, site, tree, log, supervision })
    const content = contentPart({ options, config, plane, ramdiskRoot: ramdisk.root, tree, log, supervision })
    const management = await managementPart({ options, keys, site, images, plane, log })
    announce(options, keys, url, log)
    const others = [
      ramdisk.component,
      deadlineComponent(site, log),
      ...butterknifeParts(options, keys, log, supervision),
    ]
    await runComponents([packets, content, management, ...others], signal)
  } finally {
    await database.destroy()
  }
}

type Site = ReturnType<typeof buildSite>
type Supervision = Parameters<typeof restarting>[1]

function buildSite(state: StateChanges, keys: SiteKeys) {
  const machines = new Machines(state)
  const deployments = new Deployments(state)
  const sessions = new AgentSessions(state)
  const orders = new AgentOrders({
    machines,
    deployments,
    sessions,
    orderKey: keys.orderKey.privateKey,
    proofKey: keys.tokenKey,
  })
  return { state, machines, deployments, sessions, orders }
}

function subnetConfigOf(options: ServeOptions): SubnetConfig {
  const { subnet, address } = interfaceAddress(options.interface)
  const [first, last] = options.range?.split('-') ?? []
  return makeSubnetConfig({
    subnet,
    serverAddress: address,
    httpPort: options.bootPort,
    ...(first !== undefined && { pools: [{ first: parseIpv4(first), last: parseIpv4(last ?? first) }] }),
    ...(options.router !== undefined && { router: parseIpv4(options.router) }),
    nameServers: options.dnsServers.map(parseIpv4),
    leaseSeconds: options.leaseSeconds,
    unknown: options.unknown,
  })
}

/** Where the loader that starts a UEFI machine's own disk stands in the tree. */
const diskLoaderPath = 'grub/disk-x64.efi'

async function loaderTree(options: ServeOptions, log: Logger): Promise<BootTree> {
  const loader = await makeDiskLoader(join(options.dataDirectory, 'loaders/disk-x64.efi'))
  if (loader.kind === 'made') return [...debianLoaders, { at: diskLoaderPath, file: loader.file }]
  log.warn({ reason: loader.reason }, "UEFI machines reach their disk by the firmware's own boot order alone")
  return debianLoaders
}

type PartOptions = {
  options: ServeOptions
  config: SubnetConfig
  tree: BootTree
  log: Logger
  supervision: Supervision
}

function packetsPart(parts: PartOptions & { keys: SiteKeys; site: Site }): Component {
  const { options, config, keys, site, tree, log, supervision } = parts
  const timeline = new PacketTimeline({ state: site.state, machines: site.machines, log })
  const part = restarting(
    packetsComponent({
      interface: options.interface,
      config,
      leaseFile: join(options.dataDirectory, 'leases.sqlite'),
      tree,
      tokenKey: keys.tokenKey,
      tokenLifetimeSeconds: bootTokenSeconds,
      listRecords: async () => (await site.machines.list()).map(recordOf),
      onMachine: (listener) => site.state.onMachine(listener),
      onEvent: (event) => timeline.tell(event),
      onReady: () => part.ready(),
    }),
    supervision,
  )
  return part
}

function contentPart(parts: PartOptions & { plane: BootPlane; ramdiskRoot: string }): Component {
  const { options, config, plane, ramdiskRoot, tree, log, supervision } = parts
  const app = bootPlaneApp(plane, log)
  const part = restarting(
    {
      name: 'content',
      run: (signal) =>
        runContentWorker({
          address: formatIpv4(config.serverAddress),
          port: options.bootPort,
          tree,
          ramdiskDirectory: ramdiskRoot,
          imageDirectory: options.imageDirectory,
          async handler({ method, url, headers, body, remoteAddress }) {
            const answer = await app.inject({
              method: method as 'GET',
              url,
              headers,
              payload: Buffer.from(body),
              remoteAddress,
            })
            return {
              status: answer.statusCode,
              headers: answer.headers as Record<string, string>,
              body: answer.rawPayload,
            }
          },
          onListening: () => part.ready(),
          onAccess: (event) => log.debug(event, 'http'),
          onFault: (error) => log.error({ err: error }, 'content'),
          signal,
        }),
    },
    supervision,
  )
  return part
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

/** The ramdisk is made once, while everything else already answers; machines that come early are told to wait. */
function ramdiskComponent(options: ServeOptions, keys: SiteKeys, log: Logger) {
  let ramdisk: Ramdisk | undefined
  const given = options.ramdiskDirectory
  const root = given === undefined ? join(options.dataDirectory, 'ramdisk') : dirname(given)
  const component: Component = {
    name: 'ramdisk',
    async run(signal) {
      if (given === undefined) {
        ramdisk = await buildRamdisk({
          cacheDirectory: defaultCacheDirectory(),
          outputDirectory: root,
          trust: trustOf(keys),
          onProgress: (message) => log.info(`ramdisk: ${message}`),
          signal,
        })
      } else {
        ramdisk = await readRamdisk(given)
        if (!ramdisk) throw new Error(`there is no complete ramdisk in ${given}; 'bootwright ramdisk build' makes one`)
      }
      log.info({ id: ramdisk.id, bytes: ramdisk.totalBytes }, 'the ramdisk is ready')
      if (!signal.aborted) await once(signal, 'abort')
    },
  }
  return { root, component, current: () => ramdisk }
}

function deadlineComponent(site: Site, log: Logger): Component {
  return {
    name: 'deadlines',
    async run(signal) {
      while (!signal.aborted) {
        await pause(deadlineCheckMs, signal)
        if (signal.aborted) return
        await site.deployments.expireOverdue().catch((error) => log.error({ err: error }, 'deadlines'))
        await site.sessions.forgetOldTokens(bootTokenSeconds * 2000)
      }
    },
  }
}

function announce(options: ServeOptions, keys: SiteKeys, url: string, log: Logger): void {
  log.info({ interface: options.interface, bootPlane: url, socket: options.socketPath }, 'bootwright serves')
  if (keys.managementTokenIsNew) {
    process.stdout.write(`management token (shown once; kept in ${options.keyDirectory}): ${keys.managementToken}\n`)
  }
}
