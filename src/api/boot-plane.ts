import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify'
import type { AgentArchitecture } from '../core/agent-architecture.ts'
import type { BootMenu } from '../core/boot-menu.ts'
import type { ConsoleMenuPolicy } from '../core/console-menu.ts'
import type { Machine } from '../core/machine.ts'
import type { Newcomer, NewcomerRules } from '../core/newcomer.ts'
import type { RamdiskQueue } from '../core/ramdisk-queue.ts'
import type { AgentOrders } from '../deploy/agent-orders.ts'
import type { AgentSessions } from '../deploy/agent-sessions.ts'
import type { Deployments } from '../deploy/deployments.ts'
import type { Errands } from '../deploy/errands.ts'
import type { Machines } from '../deploy/machines.ts'
import type { Ramroots } from '../deploy/ramroots.ts'
import type { StateChanges } from '../deploy/state-changes.ts'
import type { Updates } from '../deploy/updates.ts'
import { agentRoutes } from './agent-routes.ts'
import { bootScriptRoute } from './boot-script-route.ts'
import type { BtrfsStreams } from './btrfs-streams.ts'
import { consoleMenuRoutes } from './console-menu-routes.ts'
import { diskLoaderRoute } from './disk-loader-route.ts'
import { firstBootRoute } from './first-boot-route.ts'
import type { ImageShelf } from './image-shelf.ts'
import { answerWithProblems } from './problem.ts'
import { ramrootRoutes } from './ramroot-routes.ts'
import { ramrootUpdateRoutes } from './ramroot-update-routes.ts'

/** The agent's ramdisk as a boot script names it: `/ramdisk/ID/FILE`. */
export type BootRamdisk = {
  id: string
  kernel: string
  initrds: readonly string[]
  /** What each of them, and the firmware, has. */
  files: readonly { file: string; bytes: number; sha256: string }[]
  /** A further initrd, for machines that are rescued or run a script. */
  rescue?: { file: string }
  /** The early system of versions that run from memory. */
  ramRoot?: { file: string }
  /** A further initrd, for machines with one of these drivers. */
  firmware?: { file: string; drivers: readonly string[] }
}

/** `not-served`: the site file names no machines of that architecture. */
export type RamdiskState = { kind: 'ready'; ramdisk: BootRamdisk } | { kind: 'making' } | { kind: 'not-served' }

/** What the boot plane's routes work with. */
export type BootPlane = {
  state: StateChanges
  machines: Machines
  deployments: Deployments
  errands: Errands
  ramroots: Ramroots
  updates: Updates
  sessions: AgentSessions
  orders: AgentOrders
  streams: BtrfsStreams
  images: ImageShelf
  tokenKey: Uint8Array
  /** What becomes of a machine that nobody has approved. */
  newcomersOf: (newcomer: Newcomer) => NewcomerRules
  tokenLifetimeSeconds: number
  /** `http://10.0.0.1:4280`, no slash at the end. */
  url: string
  ramdisk: (architecture: AgentArchitecture) => RamdiskState
  /** Who loads it now. */
  ramdiskQueue: RamdiskQueue
  /** What starts a UEFI machine's own disk where the firmware would try the network again first. */
  diskLoader?: { url: string; file: string }
  /** What a person may choose at the machine's screen; undefined where the site says nothing. */
  menuOf: (machine: Machine) => BootMenu | undefined
  /** Who may write what to a machine from its console; `address` is where the machine asks from. */
  consoleMenuOf: (machine: Machine, address: string) => ConsoleMenuPolicy
  /** Kernel consoles of the agent, main one last; core/agent-architecture.ts has those of everybody else. */
  consoles?: readonly string[]
}

/**
 * The dynamic half of the boot plane: boot scripts and the agent's routes. It listens nowhere itself; the content
 * worker hands its requests over, so that whoever reaches the boot plane's port reaches these routes and no others.
 */
export function bootPlaneApp(plane: BootPlane, logger: FastifyBaseLogger): FastifyInstance {
  const app = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 1024 * 1024,
  })
  app.setValidatorCompiler(TypeBoxValidatorCompiler)
  answerWithProblems(app)
  app.register(bootScriptRoute(plane))
  app.register(diskLoaderRoute(plane.diskLoader?.file))
  app.register(agentRoutes(plane), { prefix: '/agent' })
  app.register(ramrootRoutes(plane), { prefix: '/agent/ramroot' })
  app.register(ramrootUpdateRoutes(plane), { prefix: '/agent/ramroot/update' })
  app.register(consoleMenuRoutes(plane), { prefix: '/agent/menu' })
  app.register(firstBootRoute(plane), { prefix: '/agent' })
  return app
}
