import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Variable } from '../core/setup.ts'
import { longestValue, variableNamePattern } from '../core/setup-rules.ts'
import { Setups } from '../deploy/setups.ts'
import type { Management } from './management.ts'
import { ScopeParams, scopeOf } from './scope-params.ts'

const Params = Type.Object({ ...ScopeParams.properties, name: Type.String({ pattern: variableNamePattern }) })
const Body = Type.Object(
  {
    value: Type.String({ maxLength: longestValue }),
    secret: Type.Optional(Type.Boolean({ description: 'It is never answered, and kept out of what scripts say' })),
  },
  { additionalProperties: false },
)

/** What templates and scripts of deployments are given: of an image, a group or a machine. */
export function variableRoutes({ state }: Pick<Management, 'state'>): FastifyPluginAsyncTypebox {
  const setups = new Setups(state)
  return async (app) => {
    app.get('/', async () => ({ variables: (await setups.list()).variables.map(withoutSecret) }))

    app.put('/:scope/:owner/:name', { schema: { params: Params, body: Body } }, async (request) => {
      const { value, secret = false } = request.body
      const variable = { scope: scopeOf(request.params), name: request.params.name, value, secret }
      await setups.putVariable(variable)
      return { variable: withoutSecret(variable) }
    })

    app.delete('/:scope/:owner/:name', { schema: { params: Params } }, async (request, reply) => {
      await setups.removeVariable(scopeOf(request.params), request.params.name)
      return reply.code(204).send()
    })
  }
}

function withoutSecret({ value, ...variable }: Variable): Omit<Variable, 'value'> & { value?: string } {
  return variable.secret ? variable : { ...variable, value }
}
