import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { BootTree } from './boot/tree.ts'
import type { ForwardedHandler } from './content/answer-forwarded.ts'
import { runContentWorker } from './content/run-content-worker.ts'
import type { AccessEvent, MoveEvent } from './content/server.ts'
import type { ServeOptions } from './server.ts'
import { type Component, restarting } from './supervise.ts'

/** The boot plane's HTTP port at one address, in a thread of its own. */
export function contentPart(parts: {
  options: Pick<ServeOptions, 'bootPort' | 'imageDirectory'>
  interface: string
  /** Ours there, dotted. */
  address: string
  handler: ForwardedHandler
  /** Told of each request that was answered. */
  onAccess?: (event: AccessEvent) => void
  /** Told while one goes on. */
  onMove?: (event: MoveEvent) => void
  tree: BootTree
  log: Logger
  supervision: Parameters<typeof restarting>[1]
}): Component {
  const { options, address, handler, onAccess, onMove, tree, log, supervision } = parts
  const part = restarting(
    {
      name: `content on ${parts.interface}`,
      run: (signal) =>
        runContentWorker({
          address,
          port: options.bootPort,
          tree,
          imageDirectory: options.imageDirectory,
          handler,
          onListening: () => part.ready(),
          onAccess: (event) => {
            log.debug(event, 'http')
            onAccess?.(event)
          },
          ...(onMove && { onMove }),
          onFault: (error) => log.error({ err: error }, 'content'),
          signal,
        }),
    },
    supervision,
  )
  return part
}

/** Answers by the boot plane what is forwarded to the main thread. */
export function bootPlaneHandler(app: FastifyInstance): ForwardedHandler {
  return async ({ method, url, headers, body, remoteAddress }) => {
    const payload = Buffer.from(body)
    const answer = await app.inject({ method: method as 'GET', url, headers, payload, remoteAddress })
    return {
      status: answer.statusCode,
      headers: answer.headers as Record<string, string>,
      body: answer.rawPayload,
    }
  }
}
