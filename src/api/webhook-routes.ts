import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { DecodeError } from '../bytes/decode-error.ts'
import { webhookTerms } from '../core/webhook-terms.ts'
import type { Management } from './management.ts'

const Named = Type.Object({ url: Type.String({ maxLength: 2000 }) }, { additionalProperties: false })

const Receiver = Type.Object(
  {
    ...webhookTerms,
    secret: Type.Optional(
      Type.String({ minLength: 1, maxLength: 1000, description: 'The key of its signatures; it is never shown again' }),
    ),
  },
  { additionalProperties: false },
)

export function webhookRoutes({ webhooks }: Management): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get('/', async () => ({ webhooks: await webhooks.list() }))

    app.post('/', { schema: { body: Receiver } }, async (request, reply) => {
      if (!URL.canParse(request.body.url)) throw new DecodeError('webhook', `${request.body.url} is no URL`)
      await webhooks.add(request.body)
      return reply.code(204).send()
    })

    app.delete('/', { schema: { querystring: Named } }, async (request, reply) => {
      await webhooks.remove(request.query.url)
      return reply.code(204).send()
    })

    app.post('/test', { schema: { body: Named } }, async (request) => ({
      outcome: await webhooks.test(request.body.url),
    }))
  }
}
