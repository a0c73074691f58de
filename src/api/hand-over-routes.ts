import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { HandOver } from '../core/hand-over.ts'
import { HandOverRules } from '../deploy/hand-over-rules.ts'
import type { Management } from './management.ts'

const Params = Type.Object({
  scope: Type.Union([Type.Literal('group'), Type.Literal('model')]),
  name: Type.String({ minLength: 1, maxLength: 128 }),
})
const Choice = Type.Object({ handOver: HandOver }, { additionalProperties: false })

/** How deployments leave the machines of a group or a model; one machine's choice is at the machine. */
export function handOverRoutes({ state }: Pick<Management, 'state'>): FastifyPluginAsyncTypebox {
  const rules = new HandOverRules(state)
  return async (app) => {
    app.get('/', async () => ({ rules: await rules.list() }))

    app.put('/:scope/:name', { schema: { params: Params, body: Choice } }, async (request) => {
      const rule = { ...request.params, ...request.body }
      await rules.put(rule)
      return { rule }
    })

    app.delete('/:scope/:name', { schema: { params: Params } }, async (request, reply) => {
      await rules.remove(request.params)
      return reply.code(204).send()
    })
  }
}
