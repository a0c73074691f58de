import { PassThrough } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { type Problem, problemOf } from './problem.ts'

/** Times are milliseconds since the epoch. `storedBytes`: what this version added to the store. */
export type VersionSummary = {
  id: string
  image: string
  createdAt: number
  sizeBytes: number
  storedBytes: number
  entries: number
  comment?: string
  recipeHash?: string
}
export type ImageSummary = { name: string; versions: number; tags: Record<string, string> }

export type ImportSource = { kind: 'recipe' | 'tar' | 'directory'; path: string }
export type ImportProgress = { label: string; done?: number; total?: number }
/** A line of an import's answer; the last one is the version or the problem. */
export type ImportLine =
  | ({ kind: 'progress' } & ImportProgress)
  | { kind: 'version'; version: VersionSummary }
  | { kind: 'problem'; problem: Problem }

/** Images as the API needs them. */
export type ImageShelf = {
  list(): Promise<ImageSummary[]>
  show(name: string): Promise<{ tags: Record<string, string>; versions: VersionSummary[] }>
  /** `NAME`, `NAME:TAG` or `NAME@VERSION`. */
  resolve(reference: string): Promise<{ image: string; version: string }>
  import(request: {
    image: string
    source: ImportSource
    comment?: string
    onProgress: (progress: ImportProgress) => void
    signal: AbortSignal
  }): Promise<VersionSummary>
}

const imageName = '^[a-z0-9][a-z0-9._-]{0,63}$'
const Name = Type.Object({ name: Type.String({ pattern: imageName }) })
const Import = Type.Object(
  {
    source: Type.Object({
      kind: Type.Union([Type.Literal('recipe'), Type.Literal('tar'), Type.Literal('directory')]),
      path: Type.String({ pattern: '^/', description: 'Absolute path on the machine of the service' }),
    }),
    comment: Type.Optional(Type.String({ maxLength: 1000 })),
  },
  { additionalProperties: false },
)

export function imageRoutes(images: ImageShelf): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get('/', async () => ({ images: await images.list() }))

    app.get('/:name', { schema: { params: Name } }, async (request) => images.show(request.params.name))

    /** Answers with NDJSON lines of ImportLine; who closes the connection ends the import. */
    app.post('/:name/versions', { schema: { params: Name, body: Import } }, async (request, reply) => {
      const { source, comment } = request.body
      const stream = new PassThrough()
      const stop = new AbortController()
      reply.raw.once('close', () => stop.abort())
      const write = (line: ImportLine) => void stream.write(`${JSON.stringify(line)}\n`)
      images
        .import({
          image: request.params.name,
          source,
          ...(comment !== undefined && { comment }),
          onProgress: (progress) => write({ kind: 'progress', ...progress }),
          signal: stop.signal,
        })
        .then((version) => write({ kind: 'version', version }))
        .catch((error: Error) => {
          const problem = problemOf(error)
          if (problem.status >= 500) request.log.error({ err: error }, 'import failed')
          // The one who asked runs on this machine: the reason is theirs to read.
          write({ kind: 'problem', problem: { ...problem, detail: error.message } })
        })
        .finally(() => stream.end())
      return reply.type('application/x-ndjson').send(stream)
    })
  }
}
