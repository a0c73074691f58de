import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { deployWishFields } from '../core/machine-order.ts'
import { chooseRollback } from '../deploy/rollback.ts'
import { Setups } from '../deploy/setups.ts'
import type { Management } from './management.ts'
import { placeDeployment, placeRetry, resolveDeployWish } from './place-order.ts'
import { sendJob } from './send-job.ts'

const Id = Type.Object({ id: Type.String({ maxLength: 64 }) })

const Request = Type.Object({ machine: Type.String(), ...deployWishFields }, { additionalProperties: false })

const MachineName = Type.Object({ machine: Type.String() }, { additionalProperties: false })

const Rollback = Type.Object(
  {
    machine: Type.String(),
    to: Type.Optional(
      Type.String({ pattern: '^[0-9a-f]{1,64}$', description: 'The beginning of a version id; the version before' }),
    ),
  },
  { additionalProperties: false },
)

export function deploymentRoutes(management: Management): FastifyPluginAsyncTypebox {
  const { state, machines, deployments, images } = management
  const setups = new Setups(state)
  return async (app) => {
    app.get('/', async () => ({ deployments: await deployments.list() }))

    app.get('/:id', { schema: { params: Id } }, async (request) => ({
      deployment: await deployments.get(request.params.id),
    }))

    app.post('/', { schema: { body: Request } }, async (request, reply) => {
      const { machine, ...wish } = request.body
      const deployment = await placeDeployment(management, await machines.get(machine), wish)
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
        const { machine: name, ...wish } = request.body
        const machine = await machines.get(name)
        const onDisk = await deployments.onDisk(machine.id)
        const { image, id, target, missing } = await resolveDeployWish(images, wish, onDisk)
        await setups.check(machine, { kind: 'deploy', image, version: id, rendition: target.rendition })
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

    app.post(
      '/retry',
      { schema: { summary: 'Repeats the last deployment, which failed or was cancelled', body: MachineName } },
      async (request, reply) => {
        const deployment = await placeRetry(management, await machines.get(request.body.machine))
        return reply.code(201).send({ deployment })
      },
    )

    app.post('/:id/cancel', { schema: { params: Id } }, async (request, reply) => {
      await deployments.cancel(request.params.id)
      return reply.code(204).send()
    })
  }
}
