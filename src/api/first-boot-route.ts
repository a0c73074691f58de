import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { Forbidden } from '../deploy/refusals.ts'
import { bearerOf } from './agent-session.ts'
import type { BootPlane } from './boot-plane.ts'

const Query = Type.Object({
  hook: Type.String({ pattern: '^[1-9][0-9]?$' }),
  status: Type.String({ pattern: '^([0-9]{1,3}|interrupted)$' }),
  seconds: Type.String({ pattern: '^[0-9]{1,6}$' }),
})
const bodyLimit = 64 * 1024

/** What a first-boot hook came to: its output is the body, because a shell can hardly write JSON. Bearer is the proof token. */
export function firstBootRoute({
  orders,
  deployments,
}: Pick<BootPlane, 'orders' | 'deployments'>): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post('/first-boot', { schema: { querystring: Query }, bodyLimit }, async (request, reply) => {
      const deploymentId = orders.deploymentOfProof(bearerOf(request))
      if (!deploymentId) throw new Forbidden('This is not the proof of a deployment of ours')
      const { hook, status, seconds } = request.query
      await deployments.firstBoot(deploymentId, {
        hook: Number(hook),
        status: status === 'interrupted' ? status : Number(status),
        seconds: Number(seconds),
        output: typeof request.body === 'string' ? request.body : '',
      })
      return reply.code(204).send()
    })
  }
}
