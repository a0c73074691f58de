import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { Publication, type Publications } from '../butterknife/publications.ts'
import { NotFound } from '../deploy/refusals.ts'
import type { ImageShelf } from './image-shelf.ts'

const Params = Type.Object({ image: Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,63}$' }) })
const Settings = Type.Object(
  {
    networks: Publication.properties.networks,
    description: Type.Optional(Publication.properties.description),
  },
  { additionalProperties: false },
)

/** Which images the Butterknife API shows, and to whom. */
export function publicationRoutes({
  publications,
  images,
}: {
  publications: Publications
  images: Pick<ImageShelf, 'show'>
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get('/', async () => ({ publications: await publications.list() }))

    app.put('/:image', { schema: { params: Params, body: Settings } }, async (request) => {
      const { image } = request.params
      await images.show(image) // one that is not there cannot be meant
      const { networks, description = '' } = request.body
      return { publication: await publications.put({ image, description, networks }) }
    })

    app.delete('/:image', { schema: { params: Params } }, async (request, reply) => {
      const { image } = request.params
      if (!(await publications.remove(image))) throw new NotFound(`The image "${image}" is not published`)
      return reply.code(204).send()
    })
  }
}
