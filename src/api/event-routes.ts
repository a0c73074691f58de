import { PassThrough } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { TimelineEvent } from '../core/timeline.ts'
import { type EventQuery, listEvents } from '../store/event-rows.ts'
import type { Management } from './management.ts'

const Query = Type.Object({
  machine: Type.Optional(Type.String()),
  deployment: Type.Optional(Type.String()),
  errand: Type.Optional(Type.String()),
  /** Only events behind this sequence number: where a reader left off. */
  after: Type.Optional(Type.Integer({ minimum: 0 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
})

const keepAliveMs = 15_000
/** A reader this far behind is cut off; it comes back with Last-Event-ID and misses nothing. */
const maximumBacklogBytes = 1024 * 1024

export function eventRoutes({ state, machines }: Management): FastifyPluginAsyncTypebox {
  const queryOf = async (query: Static<typeof Query>) => {
    const chosen: EventQuery = {}
    if (query.machine !== undefined) chosen.machineId = (await machines.get(query.machine)).id
    if (query.deployment !== undefined) chosen.deploymentId = query.deployment
    if (query.errand !== undefined) chosen.errandId = query.errand
    if (query.after !== undefined) chosen.afterSequence = query.after
    if (query.limit !== undefined) chosen.limit = query.limit
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
      if (typeof lastSeen === 'string' && /^\d+$/.test(lastSeen)) query.afterSequence = Number(lastSeen)
      const stream = new PassThrough()
      const wanted = (event: TimelineEvent) =>
        (query.machineId === undefined || event.machineId === query.machineId) &&
        (query.deploymentId === undefined || event.deploymentId === query.deploymentId) &&
        (query.errandId === undefined || event.errandId === query.errandId)
      let sent = 0
      const send = (event: TimelineEvent) => {
        if (!wanted(event) || (event.sequence !== 0 && event.sequence <= sent)) return
        if (event.sequence !== 0) sent = event.sequence
        if (stream.readableLength > maximumBacklogBytes) stream.destroy()
        else stream.write(formatServerSentEvent(event))
      }
      // What is committed while the past is read waits in line behind it.
      const waiting: TimelineEvent[] = []
      let live: (event: TimelineEvent) => void = (event) => waiting.push(event)
      const stop = state.onEvent((event) => live(event))
      const beat = setInterval(() => stream.write(': still here\n\n'), keepAliveMs)
      stream.once('close', () => {
        stop()
        clearInterval(beat)
      })
      reply.raw.once('close', () => stream.destroy())
      stream.write(': bootwright timeline\n\n')
      for (const event of await listEvents(state.db, query)) send(event)
      for (const event of waiting) send(event)
      live = send
      return reply.type('text/event-stream').header('cache-control', 'no-store').send(stream)
    })
  }
}

function formatServerSentEvent(event: TimelineEvent): string {
  const id = event.sequence === 0 ? '' : `id: ${event.sequence}\n`
  return `${id}data: ${JSON.stringify(event)}\n\n`
}
