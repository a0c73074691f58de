import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { machineNamePattern } from '../core/machine.ts'
import { UpdatePolicy, usualUpdatePolicy } from '../core/update.ts'
import type { Management } from './management.ts'
import { placeUpdate } from './place-update.ts'

const Id = Type.Object({ id: Type.String({ maxLength: 64 }) })

const Request = Type.Object(
  {
    machines: Type.Array(Type.String({ pattern: machineNamePattern }), { minItems: 1, maxItems: 10_000 }),
    to: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        description: 'A reference; what each machine follows where not given',
      }),
    ),
    policy: Type.Optional(Type.Partial(UpdatePolicy)),
  },
  { additionalProperties: false },
)

/** Moving machines that run from memory to another version, a few at a time. */
export function updateRoutes(management: Management): FastifyPluginAsyncTypebox {
  const { updates } = management
  return async (app) => {
    app.get('/', async () => ({ updates: await updates.list() }))

    app.get('/:id', { schema: { params: Id } }, async ({ params }) => ({ update: await updates.get(params.id) }))

    app.post('/', { schema: { body: Request } }, async ({ body }, reply) => {
      const policy = { ...usualUpdatePolicy, ...body.policy }
      return reply.code(201).send({ update: await placeUpdate(management, { ...body, policy }) })
    })

    app.post('/:id/stop', { schema: { params: Id } }, async ({ params }) => ({ update: await updates.stop(params.id) }))

    app.post('/:id/continue', { schema: { params: Id } }, async ({ params }) => ({
      update: await updates.continue(params.id),
    }))
  }
}
