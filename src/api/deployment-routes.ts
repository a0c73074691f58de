import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { Deployment } from '../core/deployment.ts'
import { DiskRule } from '../core/disk-rule.ts'
import { HandOver } from '../core/hand-over.ts'
import { FilesystemType, Layout } from '../core/layout.ts'
import { DeployRendition, VerifyPolicy } from '../core/order.ts'
import { HandOverRules } from '../deploy/hand-over-rules.ts'
import { chooseRollback } from '../deploy/rollback.ts'
import { chooseTarget, renditionToMake } from './choose-target.ts'
import type { ImageShelf } from './image-shelf.ts'
import type { Management } from './management.ts'
import { prepareDelta } from './prepare-delta.ts'
import { resolveWish } from './redeploy-wish.ts'
import { sendJob } from './send-job.ts'

const Id = Type.Object({ id: Type.String({ maxLength: 64 }) })

const Request = Type.Object(
  {
    machine: Type.String(),
    image: Type.String({ description: 'NAME, NAME:TAG or NAME@VERSION; the tag is `current` where none is given' }),
    rendition: Type.Optional(DeployRendition),
    disk: Type.Optional(DiskRule),
    layout: Type.Optional(Type.Union([Type.String({ description: 'Name of a ready one' }), Layout])),
    filesystem: Type.Optional(FilesystemType),
    redeploy: Type.Optional(Type.Boolean({ description: 'Keeps what the last deployment made of the disk' })),
    verify: Type.Optional(VerifyPolicy),
    handOver: Type.Optional(HandOver),
    kernelArguments: Type.Optional(Type.Array(Type.String({ pattern: '^[!-~]+$' }), { maxItems: 64 })),
    keepVersions: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: 'For the rendition btrfs' })),
    proofSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400 })),
  },
  { additionalProperties: false },
)

const Rollback = Type.Object(
  {
    machine: Type.String(),
    to: Type.Optional(
      Type.String({ pattern: '^[0-9a-f]{1,64}$', description: 'The beginning of a version id; the version before' }),
    ),
  },
  { additionalProperties: false },
)

export function deploymentRoutes({ state, machines, deployments, images }: Management): FastifyPluginAsyncTypebox {
  const handOvers = new HandOverRules(state)
  return async (app) => {
    app.get('/', async () => ({ deployments: await deployments.list() }))

    app.get('/:id', { schema: { params: Id } }, async (request) => ({
      deployment: await deployments.get(request.params.id),
    }))

    app.post('/', { schema: { body: Request } }, async (request, reply) => {
      const order = request.body
      const machine = await machines.get(order.machine)
      const onDisk = await deployments.onDisk(machine.id)
      const { image, id, target, diskRule, missing } = await resolveOrder(images, order, onDisk)
      if (missing !== undefined) await images.makeRendition(id, missing)
      const handOver = await handOvers.choose(machine, order.handOver)
      const deployment = await images.hold(`${image}@${id}`, ({ id: version }) =>
        deployments.create(machine, {
          image,
          version,
          diskRule,
          ...target,
          handOver,
          kernelArguments: order.kernelArguments ?? [],
          ...(order.verify !== undefined && { verify: order.verify }),
          ...(order.keepVersions !== undefined && { keepVersions: order.keepVersions }),
          proofSeconds: order.proofSeconds ?? 900,
        }),
      )
      prepareDelta(images, deployment, onDisk?.version)
      return reply.code(201).send({ deployment })
    })

    app.post(
      '/rendition',
      {
        schema: {
          summary: 'Makes what a deployment as asked for needs, if it is not there, and shows how far it is',
          description: 'Answers with lines, like long work on images. POST / makes it too, and says nothing meanwhile.',
          body: Request,
        },
      },
      async (request, reply) => {
        const machine = await machines.get(request.body.machine)
        const { id, missing } = await resolveOrder(images, request.body, await deployments.onDisk(machine.id))
        if (missing !== undefined) return sendJob(images, reply, { kind: 'rendition', version: id, rendition: missing })
        return reply.type('application/x-ndjson').send(`${JSON.stringify({ kind: 'result', result: null })}\n`)
      },
    )

    app.post(
      '/rollback',
      { schema: { summary: 'Boots a version again that the disk still has', body: Rollback } },
      async (request, reply) => {
        const machine = await machines.get(request.body.machine)
        const history = await deployments.list(machine.id)
        const deployment = await deployments.create(machine, chooseRollback(machine.name, history, request.body.to))
        return reply.code(201).send({ deployment })
      },
    )

    app.post('/:id/cancel', { schema: { params: Id } }, async (request, reply) => {
      await deployments.cancel(request.params.id)
      return reply.code(204).send()
    })
  }
}

/** The version that is meant, what becomes of the disk, and the rendition that has to be made before. */
async function resolveOrder(images: ImageShelf, order: Static<typeof Request>, onDisk: Deployment | undefined) {
  const version = await images.resolve(order.image)
  const { image, id } = version
  const wish = resolveWish(order, onDisk)
  const target = chooseTarget(wish, version, await images.renditions(id))
  const missing = await renditionToMake(images, id, target, onDisk)
  return { image, id, target, diskRule: wish.disk ?? {}, missing }
}
