import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { readBootToken } from '../boot/boot-token.ts'
import { parseIpv4 } from '../bytes/ipv4.ts'
import { type Mac, parseMac } from '../bytes/mac.ts'
import {
  DoneReport,
  FailureReport,
  HandOverReport,
  Inventory,
  OutputReport,
  ProgressReport,
  ScriptReply,
  SessionReply,
  SessionRequest,
  StreamReply,
  StreamRequest,
  Surroundings,
  type WorkStep,
  WrittenReport,
} from '../core/agent-protocol.ts'
import { decodeBootOrder } from '../core/boot-order.ts'
import { deploySteps } from '../core/deployment.ts'
import { errandSteps } from '../core/errand.ts'
import type { Machine } from '../core/machine.ts'
import { describeConflict } from '../core/machine-identity.ts'
import { SignedOrder } from '../core/order.ts'
import { decodeSealingKey, seal } from '../core/seal.ts'
import { Conflict, Forbidden, NotFound } from '../deploy/refusals.ts'
import type { ReportedWork } from '../deploy/reported-work.ts'
import { recordSurroundings } from '../deploy/surroundings.ts'
import type { Session } from '../store/session-rows.ts'
import { admitNewcomer } from './admit-newcomer.ts'
import { authenticate, bearerOf } from './agent-session.ts'
import type { BootPlane } from './boot-plane.ts'
import { endsInTime } from './ends-in-time.ts'
import { isIgnored } from './newcomer-of.ts'

const ProofQuery = Type.Object({ bootOrder: Type.Optional(Type.String({ pattern: '^([0-9a-f]{4}){0,256}$' })) })

const DoneToken = Type.Object({ token: Type.String({ pattern: '^[\\w.-]{16,200}$' }) })

const OrderQuery = Type.Object({ chosen: Type.Optional(Type.Boolean()), shown: Type.Optional(Type.Boolean()) })

const holdOrderMs = 20_000

/** The agent's side of the boot plane: core/agent-protocol.ts says what each route means. */
export function agentRoutes(plane: BootPlane): FastifyPluginAsyncTypebox {
  const { deployments, errands } = plane
  return async (app) => {
    app.post('/session', { schema: { body: SessionRequest, response: { 200: SessionReply } } }, (request) =>
      openSession(plane, request.body, request.ip),
    )

    app.post('/inventory', { schema: { body: Inventory } }, async (request, reply) => {
      const session = await authenticate(plane, request)
      const isKnown = session.tokenNonce !== undefined
      const machine = await plane.machines.recordInventory(session.machineId, request.body, isKnown)
      await holdConflicting(plane, machine)
      if (isKnown) await admitNewcomer(plane, machine, request.body, request.ip)
      return reply.code(204).send()
    })

    app.post('/surroundings', { schema: { body: Surroundings } }, async (request, reply) => {
      const session = await authenticate(plane, request)
      await recordSurroundings(plane.state, session.machineId, request.body)
      return reply.code(204).send()
    })

    const orderSchema = { querystring: OrderQuery, response: { 200: SignedOrder } }
    app.get('/order', { schema: orderSchema }, async (request) => {
      const session = await authenticate(plane, request)
      const { chosen = false, shown = false } = request.query
      const showsMenu = chosen || shown || (await isOfferedMenu(plane, session, request.ip))
      // Watched from before the first look, so that no change falls between the two.
      using changed = watchMachine(plane, session.machineId)
      const order = await plane.orders.orderFor(session, { showsMenu })
      const isNothing = order.kind === 'wait' || (order.kind === 'menu' && shown)
      if (!isNothing) return plane.orders.sign(order)
      await changed.within(holdOrderMs)
      return plane.orders.sign(await plane.orders.orderFor(session, { showsMenu }))
    })

    app.post('/progress', { schema: { body: ProgressReport } }, async (request, reply) => {
      const { workId, step, state, bytesDone, bytesTotal, detail, seconds, notice, output } = request.body
      const work = await reportedWork(plane, request, workId, step)
      if (state === 'started') await work.stepStarted(workId, step, detail)
      else if (output) await work.stepOutput?.(workId, step, output)
      else if (state === 'progress') await work.stepProgress(workId, step, bytesDone ?? 0, bytesTotal)
      else {
        await work.stepDone(workId, step, {
          ...(seconds !== undefined && { seconds }),
          ...(bytesDone !== undefined && { bytes: bytesDone }),
          ...(detail !== undefined && { detail }),
          ...(notice !== undefined && { notice }),
        })
      }
      return reply.code(204).send()
    })

    app.post('/stream', { schema: { body: StreamRequest, response: { 200: StreamReply } } }, async (request) => {
      const { deploymentId, versions } = request.body
      await authenticateFor(plane, request, deploymentId)
      return prepareStream(plane, deploymentId, versions)
    })

    app.post('/written', { schema: { body: WrittenReport } }, async (request, reply) => {
      const { deploymentId, ...result } = request.body
      await authenticateFor(plane, request, deploymentId)
      await deployments.written(deploymentId, { bytesReused: 0, ...result })
      return reply.code(204).send()
    })

    app.post('/handover', { schema: { body: HandOverReport } }, async (request, reply) => {
      const session = await authenticate(plane, request)
      if (!session.workId) throw new Forbidden('This session was given no deployment to hand over')
      await deployments.handedOver(session.workId, request.body.by)
      return reply.code(204).send()
    })

    app.post('/failure', { schema: { body: FailureReport } }, async (request, reply) => {
      const { workId, step, reason, result } = request.body
      const work = await reportedWork(plane, request, workId, step)
      await work.failed(workId, step, reason, result)
      return reply.code(204).send()
    })

    app.get('/script', { schema: { response: { 200: ScriptReply } } }, async (request) => {
      const { workId = '', publicKey } = await authenticate(plane, request)
      const work = (await errands.find(workId))?.work
      if (work?.kind !== 'run' || work.script === undefined) throw new NotFound('This session has no script to run')
      return { sealed: seal(Buffer.from(work.script, 'base64'), decodeSealingKey(publicKey)) }
    })

    app.post('/output', { schema: { body: OutputReport } }, async (request, reply) => {
      const { workId, offset, text } = request.body
      await authenticateFor(plane, request, workId)
      await errands.output(workId, offset, text)
      return reply.code(204).send()
    })

    app.post('/done', { schema: { body: DoneReport } }, async (request, reply) => {
      const { workId, result, detail } = request.body
      await authenticateFor(plane, request, workId)
      await errands.done(workId, detail ?? 'the agent said so', result)
      return reply.code(204).send()
    })

    app.get('/done/:token', { schema: { params: DoneToken } }, async (request, reply) => {
      const errandId = plane.orders.errandOfDone(request.params.token)
      if (!errandId) throw new Forbidden('This is not the end of an order of ours')
      // What a script fetches twice is done once; a HEAD is only a look.
      if (request.method === 'GET') await errands.done(errandId, `its done URL was fetched by ${request.ip}`)
      return reply.code(204).send()
    })

    app.post('/proof', { schema: { body: Type.Object({}), querystring: ProofQuery } }, async (request, reply) => {
      const deploymentId = plane.orders.deploymentOfProof(bearerOf(request))
      if (!deploymentId) throw new Forbidden('This is not the proof of a deployment of ours')
      const { bootOrder } = request.query
      const order = bootOrder === undefined ? undefined : decodeBootOrder(bootOrder)
      await deployments.proved(deploymentId, `the deployed system called back from ${request.ip}`, order)
      return reply.code(204).send()
    })
  }
}

async function openSession(plane: BootPlane, offer: SessionRequest, remoteAddress: string): Promise<SessionReply> {
  const mac = parseMac(offer.mac)
  decodeSealingKey(offer.publicKey)
  const machine = await machineOfSession(plane, mac, remoteAddress)
  const tokenNonce = offer.token === undefined ? undefined : checkToken(plane, offer.token, machine, mac, remoteAddress)
  const { publicKey, nonce: agentNonce } = offer
  const hasMenu = hasMenuForAnyone(plane, machine, remoteAddress)
  const offered = { machine, publicKey, agentNonce, hasMenu, ...(tokenNonce !== undefined && { tokenNonce }) }
  const outcome = await plane.sessions.open(offered)
  if (outcome.kind === 'token-used-twice') {
    const reason = `a boot token of ${machine.name} was exchanged a second time, from ${remoteAddress}: another computer may be posing as it. Cancel the deployment and look at the network before deploying again`
    await plane.state.commit((change) => change.tell({ machineId: machine.id, kind: 'security', message: reason }))
    const { deploymentId, errandId } = machine.intent
    if (deploymentId) await plane.deployments.freeze(deploymentId, reason)
    if (errandId) await plane.errands.freeze(errandId, reason)
    throw new Forbidden('This boot token was exchanged before')
  }
  // What runs from memory may still fetch its root (ramroot-routes.ts).
  if (machine.intent.kind !== 'ramroot') plane.ramdiskQueue.started(mac)
  return { session: outcome.bearer, machine: { id: machine.id, name: machine.name }, nowMs: plane.state.now() }
}

/** Work that has not begun does not begin while it is not clear which machine is which. */
async function holdConflicting({ machines, deployments, errands }: BootPlane, machine: Machine): Promise<void> {
  const { conflicts = [] } = machine
  const held = [machine, ...(await Promise.all(conflicts.map((conflict) => machines.get(conflict.machine))))]
  for (const { name, conflicts: [conflict] = [], intent } of held) {
    if (!conflict) continue
    if (intent.deploymentId) await deployments.hold(intent.deploymentId, describeConflict(name, conflict))
    if (intent.errandId) await errands.hold(intent.errandId, describeConflict(name, conflict))
  }
}

async function machineOfSession(plane: BootPlane, mac: Mac, remoteAddress: string): Promise<Machine> {
  const known = await plane.machines.findByMac(mac)
  if (isIgnored(plane, mac, known, remoteAddress)) {
    throw new Forbidden('This machine is not known, and unknown machines are ignored here')
  }
  const machine = await plane.machines.noticed(mac, 'its agent asked for a session')
  if (!machine) throw new Forbidden('Too many unknown machines are recorded; approve or remove some')
  return machine
}

function checkToken(plane: BootPlane, token: string, machine: Machine, mac: Mac, remoteAddress: string): string {
  const verdict = readBootToken(plane.tokenKey, token, {
    address: parseIpv4(remoteAddress),
    mac,
    intentRevision: machine.intent.revision,
    nowSeconds: Math.floor(plane.state.now() / 1000),
  })
  if (verdict.kind === 'refused') throw new Forbidden(`Cannot use the boot token: ${verdict.reason}`)
  return verdict.nonce
}

async function prepareStream(
  { deployments, streams }: BootPlane,
  deploymentId: string,
  versions: readonly string[],
): Promise<StreamReply> {
  const { version } = await deployments.get(deploymentId)
  const parent = await streams.chooseParent(versions.filter((one) => one !== version))
  const isReady = await endsInTime(streams.ensure(version, parent))
  return isReady ? { kind: 'ready', ...(parent && { parent }) } : { kind: 'making' }
}

async function authenticateFor(plane: BootPlane, request: FastifyRequest, workId: string): Promise<void> {
  const session = await authenticate(plane, request)
  if (session.workId !== workId) throw new NotFound('This session has no such order')
}

/** What the session works on. Throws NotFound, and Conflict for a step that such work does not have. */
async function reportedWork(
  plane: BootPlane,
  request: FastifyRequest,
  workId: string,
  step: WorkStep,
): Promise<ReportedWork> {
  await authenticateFor(plane, request, workId)
  const errand = await plane.errands.find(workId)
  const steps: readonly WorkStep[] = errand ? errandSteps[errand.work.kind] : deploySteps
  if (!steps.includes(step)) throw new Conflict(`There is no step ${step} in this work`)
  return errand ? plane.errands : plane.deployments
}

/** Whoever another DHCP server booted sees the menu at once, where it may be used: there is no other order for it. */
async function isOfferedMenu(plane: BootPlane, session: Session, address: string): Promise<boolean> {
  if (session.tokenNonce !== undefined) return false
  const machine = await plane.machines.findById(session.machineId)
  return machine !== undefined && hasMenuForAnyone(plane, machine, address)
}

function hasMenuForAnyone({ consoleMenuOf }: BootPlane, machine: Machine, address: string): boolean {
  return consoleMenuOf(machine, address).who === 'anyone'
}

function watchMachine(plane: BootPlane, machineId: string) {
  const { promise, resolve } = Promise.withResolvers<void>()
  const stops = [
    plane.state.onMachine(({ machine }) => {
      if (machine.id === machineId) resolve()
    }),
    plane.orders.departures.onWanted((id) => {
      if (id === machineId) resolve()
    }),
  ]
  let timer: NodeJS.Timeout | undefined
  return {
    /** Ends when something about the machine changed, or the time is over. */
    within(timeoutMs: number): Promise<void> {
      timer = setTimeout(resolve, timeoutMs)
      return promise
    },
    [Symbol.dispose]() {
      clearTimeout(timer)
      for (const stop of stops) stop()
    },
  }
}
