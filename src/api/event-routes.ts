import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import { DecodeError } from '../bytes/decode-error.ts'
import { oneLine } from '../core/one-line.ts'
import { type TimelineEvent, type TimelineKind, timelineKinds } from '../core/timeline.ts'
import { type EventQuery, listEvents } from '../store/event-rows.ts'
import { followTimeline } from '../timeline/follow-timeline.ts'
import type { Management } from './management.ts'

const Query = Type.Object({
  machine: Type.Optional(Type.String()),
  deployment: Type.Optional(Type.String()),
  errand: Type.Optional(Type.String()),
  /** One or more, with commas between. */
  kind: Type.Optional(Type.String()),
  /** Only events behind this sequence number: where a reader left off. */
  after: Type.Optional(Type.Integer({ minimum: 0 })),
  /** Not before this time, milliseconds since the epoch. */
  since: Type.Optional(Type.Integer({ minimum: 0 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
})

const keepAliveMs = 15_000
/** A reader that takes nothing for this long is cut off; it comes back with Last-Event-ID and misses nothing. */
const stalledMs = 60_000

export function eventRoutes({ state, machines }: Management): FastifyPluginAsyncTypebox {
  const queryOf = async (query: Static<typeof Query>) => {
    const { machine, deployment, errand, kind, after, since, limit } = query
    const chosen: EventQuery = {
      ...(machine !== undefined && { machineId: (await machines.get(machine)).id }),
      ...(deployment !== undefined && { deploymentId: deployment }),
      ...(errand !== undefined && { errandId: errand }),
      ...(kind !== undefined && { kinds: parseKinds(kind) }),
      ...(after !== undefined && { afterSequence: after }),
      ...(since !== undefined && { since }),
      ...(limit !== undefined && { limit }),
    }
    return chosen
  }

  return async (app) => {
    app.get('/', { schema: { querystring: Query } }, async (request) => ({
      events: await listEvents(state.db, await queryOf(request.query)),
    }))

    /** Server-sent events: what happened already (from `after` or Last-Event-ID on), then what happens. */
    app.get('/stream', { schema: { querystring: Query } }, async (request, reply) => {
      const query = await queryOf(request.query)
      const lastSeen = request.headers['last-event-id']
      if (typeof lastSeen === 'string' && /^\d{1,15}$/.test(lastSeen)) query.afterSequence = Number(lastSeen)
      const left = new AbortController()
      reply.raw.once('close', () => left.abort())
      const stream = new PassThrough()
      send(followTimeline(state, query, left.signal), stream, left.signal).catch(() => stream.destroy())
      return reply.type('text/event-stream').header('cache-control', 'no-store').send(stream)
    })
  }
}

/** Writes no faster than it is read. Rejects when the reader has stalled. */
async function send(events: AsyncIterable<TimelineEvent>, stream: PassThrough, signal: AbortSignal): Promise<void> {
  stream.write(': bootwright timeline\n\n')
  const beat = setInterval(() => {
    if (!stream.writableNeedDrain) stream.write(': still here\n\n')
  }, keepAliveMs)
  try {
    for await (const event of events) {
      if (stream.write(formatServerSentEvent(event))) continue
      await once(stream, 'drain', { signal: AbortSignal.any([signal, AbortSignal.timeout(stalledMs)]) })
    }
  } finally {
    clearInterval(beat)
  }
}

/** Throws DecodeError. */
function parseKinds(text: string): TimelineKind[] {
  return text.split(',').map((name) => {
    const kind = timelineKinds.find((one) => one === name)
    if (!kind) throw new DecodeError('kind', `"${oneLine(name)}" is none; there are ${timelineKinds.join(', ')}`)
    return kind
  })
}

function formatServerSentEvent(event: TimelineEvent): string {
  const id = event.sequence === 0 ? '' : `id: ${event.sequence}\n`
  return `${id}data: ${JSON.stringify(event)}\n\n`
}
