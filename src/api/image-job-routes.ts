import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { cleanUpNames } from '../image/clean-up/operations.ts'
import type { ImageJob } from './image-job.ts'
import { ImageName, Reference, VersionName } from './image-schemas.ts'
import type { ImageShelf } from './image-shelf.ts'
import { ImportSource } from './import-source.ts'
import { sendJob } from './send-job.ts'

const closed = { additionalProperties: false }
const path = Type.String({ pattern: '^/', maxLength: 4096, description: 'Absolute, on the machine of the service' })
const lines = 'The answer is lines of JSON: progress, notices and parts, and last a `result` or a `problem`. '
const stopping = 'Who closes the connection stops the work.'

const Import = Type.Object(
  {
    source: ImportSource,
    comment: Type.Optional(Type.String({ maxLength: 1000 })),
    cleanUp: Type.Optional(
      Type.Array(Type.Enum([...cleanUpNames]), {
        description: 'What belongs to one machine and is left out; nothing where not given, or as the recipe says',
      }),
    ),
  },
  closed,
)
const ImportArchive = Type.Object(
  {
    path,
    image: Type.Optional(Type.String({ description: 'The image it becomes a version of, if not the same' })),
    trust: Type.Optional(
      Type.Array(Type.String({ maxLength: 4096 }), { maxItems: 64, description: 'Public keys, PEM' }),
    ),
    resign: Type.Optional(Type.Boolean({ description: 'Take it whoever signed it' })),
    current: Type.Optional(Type.Boolean({ description: 'Whether the tag `current` moves to it; true if not given' })),
  },
  closed,
)
const RenditionName = Type.String({ pattern: '^(volume-(ext4|btrfs|xfs)|disk|btrfs|squashfs|initrd)$' })
const Rendition = Type.Object(
  {
    reference: Reference,
    rendition: RenditionName,
    parent: Type.Optional(
      Type.Union([Reference, Type.Null()], {
        description: 'Whose blocks or stream it builds on; null: from scratch; the nearest ancestor if not given',
      }),
    ),
  },
  closed,
)
const Delta = Type.Object(
  {
    from: Reference,
    to: Reference,
    of: Type.Optional(Type.String({ pattern: '^(tree|volume-(ext4|btrfs|xfs))$', description: 'tree if not given' })),
  },
  closed,
)
const Verify = Type.Object(
  {
    repair: Type.Optional(Type.Boolean()),
    repairFrom: Type.Optional(
      Type.Array(Type.String({ maxLength: 4096 }), { maxItems: 16, description: 'URLs and absolute directories' }),
    ),
  },
  closed,
)
const Prune = Type.Object(
  {
    image: Type.Optional(Type.String({ description: 'Whose policy to apply; of all if not given' })),
    graceSeconds: Type.Optional(Type.Integer({ minimum: 0, description: 'How long unneeded packs stay; a day' })),
    dryRun: Type.Optional(Type.Boolean()),
  },
  closed,
)

/** Long work on images. */
export function imageJobRoutes(images: ImageShelf): FastifyPluginAsyncTypebox {
  const sendLines = (reply: FastifyReply, job: ImageJob) => sendJob(images, reply, job)
  return async (app) => {
    app.post(
      '/images/:name/versions',
      { schema: { summary: 'Makes a version', description: lines + stopping, params: ImageName, body: Import } },
      async ({ params, body }, reply) => sendLines(reply, { kind: 'import', image: params.name, ...body }),
    )

    app.post(
      '/image-archives',
      {
        schema: { summary: 'Imports a version that was exported', description: lines + stopping, body: ImportArchive },
      },
      async ({ body: { trust = [], resign = false, current = true, ...rest } }, reply) =>
        sendLines(reply, { kind: 'import-archive', ...rest, trust, resign, isCurrent: current }),
    )

    app.get(
      '/image-diff',
      {
        schema: {
          summary: 'What another version has otherwise: files, packages, bytes to fetch',
          description: `${lines}Each part is a list of files.`,
          querystring: Type.Object({ from: Reference, to: Reference }),
        },
      },
      async ({ query }, reply) => {
        const [before, after] = await Promise.all([images.resolve(query.from), images.resolve(query.to)])
        return sendLines(reply, { kind: 'diff', before: before.id, after: after.id })
      },
    )

    app.get(
      '/image-sbom',
      {
        schema: {
          summary: 'The packages of a version, as an SPDX document',
          description: lines,
          querystring: Type.Object({ reference: Reference }),
        },
      },
      async ({ query }, reply) => {
        const { image, id, createdAt } = await images.resolve(query.reference)
        return sendLines(reply, { kind: 'sbom', version: { image, id, createdAt } })
      },
    )

    app.post(
      '/image-renditions',
      {
        schema: {
          summary:
            'Makes a rendition of a version, if it is not there: a filesystem, a disk, a btrfs stream, what runs from memory',
          description: lines + stopping,
          body: Rendition,
        },
      },
      async ({ body: { reference, rendition, parent } }, reply) => {
        const version = (await images.resolve(reference)).id
        const base = typeof parent === 'string' ? (await images.resolve(parent)).id : parent
        // A btrfs stream against a parent is another stream, so its parent is part of its name.
        if (rendition === 'btrfs' && typeof base === 'string') {
          return sendLines(reply, { kind: 'rendition', version, rendition: `btrfs-from-${base}` })
        }
        return sendLines(reply, { kind: 'rendition', version, rendition, parent: base })
      },
    )

    app.post(
      '/image-deltas',
      {
        schema: {
          summary: 'Makes what a machine with one version fetches to get another',
          description: lines + stopping,
          body: Delta,
        },
      },
      async ({ body: { from, to, of = 'tree' } }, reply) => {
        const [parent, version] = await Promise.all([images.resolve(from), images.resolve(to)])
        return sendLines(reply, { kind: 'delta', version: version.id, parent: parent.id, of })
      },
    )

    app.post(
      '/image-verify',
      { schema: { summary: 'Reads and compares everything; mends it if asked', description: lines, body: Verify } },
      async ({ body: { repair = false, repairFrom = [] } }, reply) =>
        sendLines(reply, { kind: 'verify', repair, repairFrom }),
    )

    app.post(
      '/image-prune',
      {
        schema: {
          summary: 'Removes versions that no policy keeps, then what no version needs',
          description: `${lines}The first line is a part: the verdict on each version.`,
          body: Prune,
        },
      },
      async ({ body: { image, graceSeconds, dryRun = false } }, reply) => {
        const verdicts = await images.applyRetention({ image, dryRun })
        const graceMs = graceSeconds === undefined ? undefined : graceSeconds * 1000
        return sendLines(reply, { kind: 'prune', graceMs, dryRun, verdicts })
      },
    )

    app.get(
      '/images/:name/versions/:version/archive',
      {
        schema: {
          summary: 'A version as one file',
          description: 'A tar; the same version always gives the same bytes.',
          params: VersionName,
        },
      },
      async ({ params }, reply) => {
        const { image, id } = await images.resolve(`${params.name}@${params.version}`)
        const { output, started } = images.start({ kind: 'export', image, version: id })
        reply.raw.once('close', () => output.destroy())
        const sizeBytes = await started
        if (sizeBytes !== undefined) reply.header('content-length', sizeBytes)
        const name = `${image}-${id.slice(0, 12)}.tar`
        return reply
          .type('application/x-tar')
          .header('content-disposition', `attachment; filename="${name}"`)
          .send(output)
      },
    )
  }
}
