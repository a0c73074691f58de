import { join } from 'node:path'
import type { Logger } from 'pino'
import { runButterknifeWorker } from './butterknife/run-butterknife-worker.ts'
import { ensureRendition } from './image/renditions/ensure-rendition.ts'
import { openRepository } from './image/repository.ts'
import type { SigningKey } from './image/signing-key.ts'
import { type Component, restarting } from './supervise.ts'

export type ButterknifePlace = { host: string; port: number; trustedProxies: readonly string[] }

const mostCachedBytes = 16 * 1024 ** 3

export function publicationsDirectory(dataDirectory: string): string {
  return join(dataDirectory, 'butterknife/publications')
}

/** The Butterknife API as a part of the service. The thread that the network reaches has no signing key: this one has. */
export function butterknifePart(parts: {
  place: ButterknifePlace
  dataDirectory: string
  imageDirectory: string
  signingKey: SigningKey
  log: Logger
  supervision: Parameters<typeof restarting>[1]
}): Component {
  const { place, dataDirectory, imageDirectory, signingKey, log, supervision } = parts
  const run = async (signal: AbortSignal) => {
    const repository = await openRepository(imageDirectory)
    await runButterknifeWorker({
      address: place.host,
      port: place.port,
      trustedProxies: place.trustedProxies,
      imageDirectory,
      cacheDirectory: join(dataDirectory, 'butterknife/streams'),
      mostCachedBytes,
      publicationsDirectory: publicationsDirectory(dataDirectory),
      ensureRendition: ({ version, parent }, stop) =>
        ensureRendition(repository, version, { name: 'btrfs', parent }, { signingKey, signal: stop }),
      onListening(port) {
        part.ready()
        log.info({ address: place.host, port }, 'the Butterknife API listens')
      },
      onFault: (error) => log.error({ err: error }, 'butterknife'),
      signal,
    })
  }
  const part = restarting({ name: 'butterknife', run }, supervision)
  return part
}
