import type { Logger } from 'pino'
import { type ImageShelf, openImageShelf } from './api/image-shelf.ts'
import { managementApp } from './api/management.ts'
import { serveManagement } from './api/management-listeners.ts'
import type { OrderParts } from './api/place-order.ts'
import type { Rebuilds } from './api/rebuilds.ts'
import { Publications } from './butterknife/publications.ts'
import { publicationsDirectory } from './butterknife-part.ts'
import type { AgentOrders } from './deploy/agent-orders.ts'
import type { Deployments } from './deploy/deployments.ts'
import type { Ramroots } from './deploy/ramroots.ts'
import type { SiteKeys } from './deploy/site-keys.ts'
import type { Updates } from './deploy/updates.ts'
import type { PacketsPart } from './packets-part.ts'
import { defaultCacheDirectory } from './ramdisk/build-ramdisk.ts'
import type { ServeOptions } from './server.ts'
import type { Component } from './supervise.ts'
import type { TimelinePart } from './timeline-part.ts'

export function imageShelf(
  { imageDirectory }: ServeOptions,
  keys: SiteKeys,
  { deployments, ramroots, updates }: { deployments: Deployments; ramroots: Ramroots; updates: Updates },
  log: Logger,
): Promise<ImageShelf> {
  return openImageShelf({
    imageDirectory,
    buildCacheDirectory: defaultCacheDirectory(),
    signingKey: keys.imageKey,
    versionsInUse: async () =>
      (await Promise.all([deployments, ramroots, updates].map((each) => each.versionsInUse()))).flat(),
    onFault: ({ kind }, stack) => log.error({ job: kind, stack }, 'a job on the images failed'),
  })
}

/** The management API, on its own listeners. */
export function managementPart(parts: {
  options: ServeOptions
  keys: SiteKeys
  ordering: OrderParts & { orders: AgentOrders; ramroots: Ramroots; updates: Updates }
  rebuilds: Rebuilds
  packets: Pick<PacketsPart, 'explain'>
  timeline: Pick<TimelinePart, 'webhooks'>
  /** Facts for `bootwright status`. */
  status: () => Promise<Record<string, unknown>>
  log: Logger
}): Component {
  const { options, keys, ordering, rebuilds, packets, timeline, status, log } = parts
  const { orders, ...placing } = ordering
  const startedAt = Date.now()
  const app = managementApp(
    {
      ...placing,
      rebuilds,
      departures: orders.departures,
      webhooks: timeline.webhooks,
      publications: new Publications(publicationsDirectory(options.dataDirectory)),
      token: keys.managementToken,
      explain: packets.explain,
      status: async () => ({
        ...(await status()),
        startedAt: new Date(startedAt).toISOString(),
        processId: process.pid,
      }),
    },
    log,
  )
  const listeners = { socketPath: options.socketPath, tcp: options.management }
  return { name: 'management', run: (signal) => serveManagement(app, listeners, signal) }
}
