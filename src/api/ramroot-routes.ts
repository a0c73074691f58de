import { createHash } from 'node:crypto'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { parseMac } from '../bytes/mac.ts'
import type { Machine } from '../core/machine.ts'
import { defaultOverlayMegabytes, diskWord, memoryNeeded, type RamrootBoot } from '../core/ramroot.ts'
import { encodeRamrootOrder, type RamrootOrder } from '../core/ramroot-order.ts'
import { decodeSealingKey, seal } from '../core/seal.ts'
import { Forbidden } from '../deploy/refusals.ts'
import type { RamRoot } from '../image/renditions/stored-ram-root.ts'
import { machineFiles } from '../ramroot/machine-files.ts'
import { ramRootFile } from '../ramroot/ram-root-form.ts'
import type { Session } from '../store/session-rows.ts'
import { authenticate, bearerOf } from './agent-session.ts'
import type { BootPlane } from './boot-plane.ts'
import { ramRootPlace, sizesOf } from './ramroot-script.ts'

const Report = Type.Object({
  step: Type.Enum(['fetching', 'fetched', 'notice', 'ready', 'failed']),
  detail: Type.String({ maxLength: 2000 }),
  bytes: Type.Integer({ minimum: 0 }),
})

/** The interface that it boots from, which is what its network is made for. */
export const Card = Type.Object({
  mac: Type.String({ maxLength: 17 }),
  vlan: Type.Optional(Type.Integer({ minimum: 1, maximum: 4094 })),
})
type Card = Static<typeof Card>

/** What the early system of a version in memory asks for and says (ramdisk/ram-root/talk.sh). */
export function ramrootRoutes(plane: BootPlane): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get('/order', { schema: { querystring: Card } }, async (request, reply) => {
      const booting = await bootOf(plane, request)
      await plane.ramroots.starting(booting.boot)
      const text = encodeRamrootOrder(await orderOf(plane, booting, request.query))
      return reply.type('text/plain; charset=utf-8').send(`${text}signature ${plane.orders.signText(text)}\n`)
    })

    app.get('/files', { schema: { querystring: Card } }, async (request, reply) => {
      const { session, boot, machine } = await bootOf(plane, request)
      const files = await filesOf(plane, boot, machine, request.query)
      return reply.type('text/plain; charset=utf-8').send(seal(files, decodeSealingKey(session.publicKey)))
    })

    app.post('/report', { schema: { body: Report } }, async (request, reply) => {
      const { boot, machine } = await bootOf(plane, request)
      await plane.ramroots.report(boot, request.body)
      if (request.body.step === 'ready') for (const mac of machine.macs) plane.ramdiskQueue.started(mac)
      return reply.code(204).send()
    })

    app.post('/up', { schema: { body: Type.Object({}) } }, async (request, reply) => {
      if (await plane.ramroots.cameUp(bearerOf(request), request.ip)) return reply.code(204).send()
      throw new Forbidden('This is not the token of a boot of ours')
    })
  }
}

type Booting = { session: Session; boot: RamrootBoot; machine: Machine }

/** Throws Forbidden for a session that came without a boot token, NotFound for a machine that boots nothing from memory. */
async function bootOf(plane: BootPlane, request: FastifyRequest): Promise<Booting> {
  const session = await authenticate(plane, request)
  if (session.tokenNonce === undefined)
    throw new Forbidden('A machine without a boot token gets nothing that is its own')
  const machine = await plane.machines.findById(session.machineId)
  if (!machine?.approved || machine.conflicts) throw new Forbidden('This machine is not approved, or is held')
  return { session, machine, boot: await plane.ramroots.current(machine.id) }
}

async function orderOf(plane: BootPlane, { session, boot, machine }: Booting, card: Card): Promise<RamrootOrder> {
  const { standing } = machine
  const ramRoot = await plane.images.ramRoot(boot.version, boot.rendition)
  if (standing.kind !== 'ramroot' || !ramRoot) throw new Forbidden('This machine is not to run from memory any more')
  const { overlay = 'tmpfs', overlayMegabytes = defaultOverlayMegabytes, dataDisks = [] } = standing.boot
  const files = createHash('sha256')
    .update(await filesOf(plane, boot, machine, card))
    .digest('hex')
  return {
    ...{ nonce: session.agentNonce, machine: machine.name, title: boot.image, form: boot.rendition },
    needs: memoryNeeded(sizesOf(ramRoot), standing.boot),
    ...(boot.rendition === 'squashfs' && { root: rootOf(ramRoot) }),
    ...{ overlay, budget: overlayMegabytes, files },
    dataDisks: dataDisks.map((disk) => ({ label: disk.label, mount: disk.mount, disk: diskWord(disk) })),
  }
}

function rootOf(ramRoot: RamRoot) {
  const { sizeBytes, sha256, pieces } = ramRootFile(ramRoot, ramRoot.root)
  return { path: `${ramRootPlace(ramRoot)}/${ramRoot.root}`, sizeBytes, sha256, pieces }
}

/** Equal for a boot however often they are asked for: the order has their hash. */
function filesOf(
  { ramroots, tokenKey, url }: BootPlane,
  boot: RamrootBoot,
  { id, name }: Machine,
  { mac, vlan }: Card,
): Promise<Buffer> {
  const secrets = {
    ...{ upToken: ramroots.callToken(boot), updateToken: ramroots.updateToken(boot) },
    updateKey: ramroots.updateKey(boot),
  }
  return machineFiles({ id, name, mac: parseMac(mac), vlan, server: url, ...secrets }, tokenKey)
}
