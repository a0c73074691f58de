import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { fileModePattern, fileOwnerPattern, longestTemplate } from '../core/setup-rules.ts'
import { Setups } from '../deploy/setups.ts'
import type { Management } from './management.ts'
import { ScopeParams, scopeOf } from './scope-params.ts'

const Path = Type.Object({ path: Type.String({ minLength: 1, maxLength: 1024 }) })
const Body = Type.Object(
  {
    template: Type.String({ maxLength: longestTemplate }),
    verbatim: Type.Optional(Type.Boolean({ description: 'The text is as it is, two braces in it included' })),
    mode: Type.Optional(Type.String({ pattern: fileModePattern, description: 'Octal: 0644' })),
    owner: Type.Optional(Type.String({ pattern: fileOwnerPattern, description: 'USER:GROUP; root:root' })),
  },
  { additionalProperties: false },
)
const schemaOf = { params: ScopeParams, querystring: Path }

/** Files that deployments put into the new root, by `?path=`: of an image, a group or a machine. */
export function fileRoutes({ state }: Pick<Management, 'state'>): FastifyPluginAsyncTypebox {
  const setups = new Setups(state)
  return async (app) => {
    app.get('/', async () => ({ files: (await setups.list()).files }))

    app.put('/:scope/:owner', { schema: { ...schemaOf, body: Body } }, async (request) => {
      const { template, verbatim = false, mode, owner = 'root:root' } = request.body
      const scope = scopeOf(request.params)
      const file = { scope, path: request.query.path, template, verbatim, owner, ...(mode !== undefined && { mode }) }
      await setups.putFile(file)
      return { file }
    })

    app.delete('/:scope/:owner', { schema: schemaOf }, async (request, reply) => {
      await setups.removeFile(scopeOf(request.params), request.query.path)
      return reply.code(204).send()
    })
  }
}
