import type { Logger } from 'pino'
import { type ImageShelf, openImageShelf } from './api/image-shelf.ts'
import { managementApp } from './api/management.ts'
import { serveManagement } from './api/management-listeners.ts'
import type { Rebuilds } from './api/rebuilds.ts'
import { Publications } from './butterknife/publications.ts'
import { publicationsDirectory } from './butterknife-part.ts'
import type { Deployments } from './deploy/deployments.ts'
import type { Errands } from './deploy/errands.ts'
import type { Machines } from './deploy/machines.ts'
import type { SiteKeys } from './deploy/site-keys.ts'
import type { StateChanges } from './deploy/state-changes.ts'
import type { PacketsPart } from './packets-part.ts'
import { defaultCacheDirectory } from './ramdisk/build-ramdisk.ts'
import type { ServeOptions } from './server.ts'
import type { Component } from './supervise.ts'

export function imageShelf(
  { imageDirectory }: ServeOptions,
  keys: SiteKeys,
  deployments: Deployments,
  log: Logger,
): Promise<ImageShelf> {
  return openImageShelf({
    imageDirectory,
    buildCacheDirectory: defaultCacheDirectory(),
    signingKey: keys.imageKey,
    versionsInUse: () => deployments.versionsInUse(),
    onFault: ({ kind }, stack) => log.error({ job: kind, stack }, 'a job on the images failed'),
  })
}

/** The management API, on its own listeners. */
export function managementPart(parts: {
  options: ServeOptions
  keys: SiteKeys
  site: { state: StateChanges; machines: Machines; deployments: Deployments; errands: Errands }
  images: ImageShelf
  rebuilds: Rebuilds
  packets: Pick<PacketsPart, 'explain'>
  /** Facts for `bootwright status`. */
  status: () => Promise<Record<string, unknown>>
  log: Logger
}): Component {
  const { options, keys, site, images, rebuilds, packets, status, log } = parts
  const startedAt = Date.now()
  const app = managementApp(
    {
      ...site,
      images,
      rebuilds,
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
