import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { everyPattern, Promotion, UpdatesWanted } from '../core/rebuild.ts'
import { cleanUpNames } from '../image/clean-up/operations.ts'
import { ImageName } from './image-schemas.ts'
import { ImportSource } from './import-source.ts'
import type { Management } from './management.ts'

const Settings = Type.Object(
  {
    source: ImportSource,
    cleanUp: Type.Optional(Type.Array(Type.Enum([...cleanUpNames]))),
    every: Type.String({ pattern: everyPattern, description: 'A time of day (03:17), or a period (30m, 6h, 1d)' }),
    promotion: Promotion,
    updates: Type.Optional(UpdatesWanted),
  },
  { additionalProperties: false },
)

/** Images that are made anew from their models by themselves. */
export function rebuildRoutes({ rebuilds }: Pick<Management, 'rebuilds'>): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get('/', async () => ({ rebuilds: await rebuilds.list() }))

    app.put('/:name', { schema: { params: ImageName, body: Settings } }, async ({ params, body }) => {
      const { cleanUp = [], ...settings } = body
      return { rebuild: await rebuilds.set(params.name, { ...settings, cleanUp }) }
    })

    app.delete('/:name', { schema: { params: ImageName } }, async ({ params }, reply) => {
      await rebuilds.remove(params.name)
      return reply.code(204).send()
    })

    app.post(
      '/:name/run',
      {
        schema: {
          summary: 'Looks at the model now: for a hook of whatever changed it',
          description: 'Answers at once; what came of it is in the timeline and in the list.',
          params: ImageName,
          querystring: Type.Object({
            force: Type.Optional(Type.Boolean({ description: 'Whether or not it changed' })),
          }),
        },
      },
      async ({ params, query }, reply) => {
        await rebuilds.get(params.name)
        void rebuilds.run(params.name, query.force ?? false).catch((error) => app.log.error({ err: error }, 'rebuild'))
        return reply.code(202).send({ rebuild: await rebuilds.get(params.name) })
      },
    )
  }
}
