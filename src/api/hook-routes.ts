import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { HookPoint } from '../core/setup.ts'
import { longestScript, longestTimeoutSeconds } from '../core/setup-rules.ts'
import { Setups } from '../deploy/setups.ts'
import type { Management } from './management.ts'
import { ScopeParams, scopeOf } from './scope-params.ts'

const Params = Type.Object({ ...ScopeParams.properties, point: HookPoint })
const Body = Type.Object(
  {
    script: Type.String({ maxLength: longestScript, description: 'Begins with its interpreter: #!/bin/sh' }),
    timeoutSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: longestTimeoutSeconds })),
  },
  { additionalProperties: false },
)
const defaultTimeoutSeconds = 300

/** Scripts that deployments run: one for each point of an image, a group or a machine. */
export function hookRoutes({ state }: Pick<Management, 'state'>): FastifyPluginAsyncTypebox {
  const setups = new Setups(state)
  return async (app) => {
    app.get('/', async () => ({ hooks: (await setups.list()).hooks }))

    app.put('/:scope/:owner/:point', { schema: { params: Params, body: Body } }, async (request) => {
      const { script, timeoutSeconds = defaultTimeoutSeconds } = request.body
      const hook = { scope: scopeOf(request.params), point: request.params.point, script, timeoutSeconds }
      await setups.putHook(hook)
      return { hook }
    })

    app.delete('/:scope/:owner/:point', { schema: { params: Params } }, async (request, reply) => {
      await setups.removeHook(scopeOf(request.params), request.params.point)
      return reply.code(204).send()
    })
  }
}
