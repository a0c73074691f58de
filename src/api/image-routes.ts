import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import {
  ImageDetails,
  ImageName,
  ImageSummary,
  Reference,
  Retention,
  RetentionVerdict,
  TagMove,
  TagName,
  VersionName,
  VersionSummary,
} from './image-schemas.ts'
import type { ImageShelf } from './image-shelf.ts'

const closed = { additionalProperties: false }
const NoContent = Type.Null({ description: 'Done' })

/** Images, versions and tags: what is short. image-job-routes.ts has the long work. */
export function imageRoutes(images: ImageShelf): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/',
      { schema: { summary: 'All images', response: { 200: Type.Object({ images: Type.Array(ImageSummary) }) } } },
      async () => ({ images: await images.list() }),
    )

    app.get(
      '/:name',
      {
        schema: { summary: 'One image, its versions newest first', params: ImageName, response: { 200: ImageDetails } },
      },
      (request) => images.show(request.params.name),
    )

    app.get(
      '/:name/versions/:version',
      { schema: { summary: 'One version', params: VersionName, response: { 200: VersionSummary } } },
      ({ params }) => images.resolve(`${params.name}@${params.version}`),
    )

    app.delete(
      '/:name/versions/:version',
      {
        schema: {
          summary: 'Removes a version; refused while it is tagged or on a machine',
          params: VersionName,
          querystring: Type.Object({ force: Type.Optional(Type.Boolean({ description: 'Its tags go with it' })) }),
          response: { 200: VersionSummary },
        },
      },
      ({ params, query }) => images.remove(`${params.name}@${params.version}`, { force: query.force ?? false }),
    )
    app.register(tagRoutes(images))
    app.register(retentionRoutes(images))
  }
}

function tagRoutes(images: ImageShelf): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.put(
      '/:name/tags/:tag',
      {
        schema: {
          summary: 'Makes or moves a tag, as one step',
          params: TagName,
          body: Type.Object({ version: Type.String({ description: 'Version id, or its first digits' }) }, closed),
          response: { 200: TagMove },
        },
      },
      ({ params, body }) => images.setTag(`${params.name}@${body.version}`, params.tag),
    )

    app.delete(
      '/:name/tags/:tag',
      { schema: { summary: 'Removes a tag; `current` only moves', params: TagName, response: { 204: NoContent } } },
      async ({ params }, reply) => {
        await images.removeTag(params.name, params.tag)
        return reply.code(204).send(null)
      },
    )

    app.post(
      '/:name/rollback',
      {
        schema: {
          summary: '`current` goes to `previous`, or to the version that is named; `previous` follows',
          params: ImageName,
          body: Type.Object({ to: Type.Optional(Reference) }, closed),
          response: { 200: TagMove },
        },
      },
      ({ params, body }) => images.rollback(params.name, body.to),
    )
  }
}

function retentionRoutes(images: ImageShelf): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/:name/retention',
      {
        schema: {
          summary: 'How many versions stay, and what that means for each',
          params: ImageName,
          response: { 200: Type.Object({ retention: Retention, versions: Type.Array(RetentionVerdict) }) },
        },
      },
      async ({ params }) => ({
        retention: await images.retention(params.name),
        versions: await images.applyRetention({ image: params.name, dryRun: true }),
      }),
    )

    app.put(
      '/:name/retention',
      {
        schema: {
          summary: 'How many of the newest versions a prune keeps, besides those tagged and those on machines',
          params: ImageName,
          body: Retention,
          response: { 200: Type.Object({ retention: Retention }) },
        },
      },
      async ({ params, body }) => {
        await images.setRetention(params.name, body)
        return { retention: await images.retention(params.name) }
      },
    )
  }
}
