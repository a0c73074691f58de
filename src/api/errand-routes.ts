import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { type Errand, withoutScript } from '../core/errand.ts'
import { errandWishFields } from '../core/machine-order.ts'
import type { Management } from './management.ts'
import { placeErrand } from './place-order.ts'

const Id = Type.Object({ id: Type.String({ maxLength: 64 }) })

const Request = Type.Object({ machine: Type.String(), ...errandWishFields }, { additionalProperties: false })

export function errandRoutes(management: Management): FastifyPluginAsyncTypebox {
  const { machines, errands } = management
  return async (app) => {
    app.get('/', async () => ({ errands: (await errands.list()).map(shownErrand) }))

    app.get('/:id', { schema: { params: Id } }, async (request) => ({
      errand: shownErrand(await errands.get(request.params.id)),
    }))

    app.get('/:id/output', { schema: { params: Id } }, async (request) => {
      const { id } = await errands.get(request.params.id)
      return { output: await errands.readOutput(id) }
    })

    app.post('/', { schema: { body: Request } }, async (request, reply) => {
      const { machine, ...order } = request.body
      const errand = await placeErrand(management, await machines.get(machine), order)
      return reply.code(201).send({ errand: shownErrand(errand) })
    })

    app.post('/:id/cancel', { schema: { params: Id } }, async (request, reply) => {
      await errands.cancel(request.params.id)
      return reply.code(204).send()
    })
  }
}

export function shownErrand(errand: Errand): Errand {
  return { ...errand, work: withoutScript(errand.work) }
}
