import type { Logger } from 'pino'
import { type BootPlane, bootPlaneApp } from './api/boot-plane.ts'
import type { BootTree } from './boot/tree.ts'
import { runContentWorker } from './content/run-content-worker.ts'
import type { ServeOptions } from './server.ts'
import { type Component, restarting } from './supervise.ts'

/** The boot plane's HTTP port at one address, in a thread of its own. */
export function contentPart(parts: {
  options: Pick<ServeOptions, 'bootPort' | 'imageDirectory'>
  interface: string
  /** Ours there, dotted. */
  address: string
  plane: BootPlane
  tree: BootTree
  log: Logger
  supervision: Parameters<typeof restarting>[1]
}): Component {
  const { options, address, plane, tree, log, supervision } = parts
  const app = bootPlaneApp(plane, log)
  const part = restarting(
    {
      name: `content on ${parts.interface}`,
      run: (signal) =>
        runContentWorker({
          address,
          port: options.bootPort,
          tree,
          imageDirectory: options.imageDirectory,
          async handler({ method, url, headers, body, remoteAddress }) {
            const answer = await app.inject({
              method: method as 'GET',
              url,
              headers,
              payload: Buffer.from(body),
              remoteAddress,
            })
            return {
              status: answer.statusCode,
              headers: answer.headers as Record<string, string>,
              body: answer.rawPayload,
            }
          },
          onListening: () => part.ready(),
          onAccess: (event) => log.debug(event, 'http'),
          onFault: (error) => log.error({ err: error }, 'content'),
          signal,
        }),
    },
    supervision,
  )
  return part
}
