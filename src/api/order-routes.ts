import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { machineNamePattern } from '../core/machine.ts'
import { MachineOrder } from '../core/machine-order.ts'
import { ScheduledOrders } from '../deploy/scheduled-orders.ts'
import type { Management } from './management.ts'
import { placeOrder } from './place-order.ts'

const Id = Type.Object({ id: Type.String({ maxLength: 64 }) })

const Request = Type.Object(
  {
    machines: Type.Array(Type.String({ pattern: machineNamePattern }), { minItems: 1, maxItems: 10_000 }),
    order: MachineOrder,
    at: Type.Optional(
      Type.Integer({ description: 'When it is placed: milliseconds since the epoch; at once where not given' }),
    ),
  },
  { additionalProperties: false },
)

/** One order for many machines, at once or later. */
export function orderRoutes(management: Management): FastifyPluginAsyncTypebox {
  const { state, machines } = management
  const schedule = new ScheduledOrders(state)
  return async (app) => {
    app.get('/scheduled', async () => ({ scheduled: await schedule.list() }))

    app.post('/', { schema: { body: Request } }, async (request, reply) => {
      const { machines: names, order, at } = request.body
      // Who is misspelt is told before anything is ordered.
      const meant = await Promise.all([...new Set(names)].map((name) => machines.get(name)))
      if (at !== undefined) return reply.code(201).send({ scheduled: await schedule.add(meant, order, at) })
      const placed = []
      for (const { name } of meant) placed.push(await placeOrder(management, name, order))
      return reply.code(201).send({ placed })
    })

    app.post('/scheduled/:id/cancel', { schema: { params: Id } }, async (request, reply) => {
      await schedule.cancel(request.params.id)
      return reply.code(204).send()
    })
  }
}
