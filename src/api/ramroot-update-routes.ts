import { randomBytes } from 'node:crypto'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { bootNonceBytes, mintBootToken } from '../boot/boot-token.ts'
import type { Ipv4 } from '../bytes/ipv4.ts'
import { type Mac, parseMac } from '../bytes/mac.ts'
import type { Machine } from '../core/machine.ts'
import type { RamrootBoot } from '../core/ramroot.ts'
import { encodeUpdateOrder, type UpdateFile, type UpdateOrder } from '../core/update-order.ts'
import { Conflict, Forbidden } from '../deploy/refusals.ts'
import { ramRootFile } from '../ramroot/ram-root-form.ts'
import type { WantedVersion } from '../store/update-rows.ts'
import { bearerOf } from './agent-session.ts'
import type { BootPlane } from './boot-plane.ts'
import { Card } from './ramroot-routes.ts'
import { bytesOfPlan, planRamroot, type RamrootPlan, type ReadyPlan, ramRootPlace } from './ramroot-script.ts'

const Asking = Type.Object({ ...Card.properties, nonce: Type.String({ pattern: '^[0-9a-f]{16,64}$' }) })

const Report = Type.Object({
  state: Type.Enum(['restarting', 'failed']),
  by: Type.Enum(['kexec', 'reboot']),
  detail: Type.String({ maxLength: 2000 }),
})

/** Until it asks again: an answer takes 0.7 ms of the processor, and ten thousand may ask. */
const askAgainSeconds = 30
/** While its update waits for it. */
const askSoonSeconds = 5

/** What a system in memory asks, again and again (ramroot/update.sh): whether it is to run another version. */
export function ramrootUpdateRoutes(plane: BootPlane): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get('/', { schema: { querystring: Asking } }, async (request, reply) => {
      const boot = await bootOf(plane, request)
      const answer = await answerTo(plane, boot, { ...request.query, address: request.ip })
      reply.type('text/plain; charset=utf-8').header('cache-control', 'no-store')
      return typeof answer === 'number'
        ? `wait ${answer}\n`
        : plane.ramroots.signUpdate(boot, encodeUpdateOrder(answer))
    })

    app.post('/report', { schema: { body: Report } }, async (request, reply) => {
      const { machineId } = await bootOf(plane, request)
      const { state, by, detail } = request.body
      const wanted = await plane.updates.wanted(machineId)
      const machine = await plane.machines.findById(machineId)
      if (!wanted || machine?.standing.kind !== 'ramroot')
        throw new Conflict('This machine is not wanted to restart any more')
      if (state === 'failed') await plane.updates.failed(wanted, detail)
      else await plane.updates.restarting(wanted, { ...machine.standing.boot, image: wanted.machine.image }, by, detail)
      return reply.code(204).send()
    })
  }
}

/** Throws Forbidden. */
async function bootOf(plane: BootPlane, request: FastifyRequest): Promise<RamrootBoot> {
  const boot = await plane.ramroots.bootOfUpdate(bearerOf(request))
  if (!boot) throw new Forbidden('This is not the token of the last boot of a machine')
  return boot
}

type Asking = Static<typeof Asking> & { address: string }

/** The order, or seconds after which it asks again. */
async function answerTo(plane: BootPlane, boot: RamrootBoot, asking: Asking): Promise<UpdateOrder | number> {
  const wanted = await plane.updates.wanted(boot.machineId)
  if (!wanted || wanted.machine.state === 'restarting') return askAgainSeconds
  // It asked: from here on its time runs, also while it waits for its turn.
  await plane.updates.asked(wanted)
  const machine = await plane.machines.findById(boot.machineId)
  const plan = await planUpdateBoot(plane, boot, machine, wanted, asking)
  if (plan.kind === 'refused') {
    if (plan.isForNow) return askSoonSeconds
    await plane.updates.failed(wanted, plan.reason)
    return askAgainSeconds
  }
  const load = { address: asking.address, bytes: bytesOfPlan(plan) }
  const turn = plane.ramdiskQueue.ask(parseMac(asking.mac), load, plane.state.now())
  if (turn.kind === 'wait') return Math.max(askSoonSeconds, turn.askAgainSeconds)
  return orderOf(plan, wanted, asking.nonce)
}

/** As its script would have it, with a boot token of its own. */
async function planUpdateBoot(
  plane: BootPlane,
  boot: RamrootBoot,
  machine: Machine | undefined,
  { machine: { version }, update }: WantedVersion,
  { mac: text, vlan }: Asking,
): Promise<RamrootPlan> {
  if (machine?.standing.kind !== 'ramroot' || machine.intent.kind !== 'ramroot') {
    return { kind: 'refused', reason: `its next boot is ${machine?.intent.kind}` }
  }
  const { standing, intent } = machine
  const running = await plane.images.ramRoot(boot.version, boot.rendition)
  const mac = parseMac(text)
  const facts = {
    ...{ mac, vlan, architecture: running?.architecture ?? 'x64' },
    token: mintToken(plane, mac, intent.revision, update.policy.timeLimitSeconds),
  } as const
  const plan = await planRamroot(plane, machine, standing.boot, facts)
  if (plan.kind === 'refused' || plan.version.version === version) return plan
  return { kind: 'refused', reason: plan.version.because ?? 'another version is to run' }
}

/** For wherever the early system has its address from: the system's own client may have been given another. */
function mintToken({ tokenKey, state }: BootPlane, mac: Mac, intentRevision: number, seconds: number): string {
  const expiresAtSeconds = Math.floor(state.now() / 1000) + seconds
  return mintBootToken(tokenKey, {
    ...{ nonce: randomBytes(bootNonceBytes), expiresAtSeconds, address: 0 as Ipv4, mac, intentRevision },
  })
}

function orderOf(
  { ramRoot, early, script }: ReadyPlan,
  { machine, update }: WantedVersion,
  nonce: string,
): UpdateOrder {
  const fileOf = (name: string): UpdateFile => {
    const { sizeBytes, sha256 } = ramRootFile(ramRoot, name)
    return { path: `${ramRootPlace(ramRoot)}/${name}`, sizeBytes, sha256 }
  }
  const tools = early.files.find(({ file }) => file === early.ramRoot.file)!
  return {
    ...{ nonce, title: `${machine.image} (${machine.version.slice(0, 12)})`, by: update.policy.by },
    kernel: fileOf(ramRoot.kernel),
    initrds: [
      ...ramRoot.initrds.map(fileOf),
      { path: `/ramdisk/${early.id}/${tools.file}`, sizeBytes: tools.bytes, sha256: tools.sha256 },
    ],
    kernelArguments: script.kernelArguments,
  }
}
