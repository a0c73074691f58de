import type { MessagePort } from 'node:worker_threads'
import type { ForwardedAnswer, ForwardedRequest } from './forward-protocol.ts'

export type ForwardedHandler = (request: Omit<ForwardedRequest, 'id'>) => Promise<Omit<ForwardedAnswer, 'id'>>

/**
 * The main thread's end: answers each request with what `handler` says. A handler that throws is answered with 500 and
 * told to `onFault`. Closing the port makes the boot plane answer 503.
 */
export function answerForwarded(port: MessagePort, handler: ForwardedHandler, onFault: (error: unknown) => void): void {
  port.on('message', ({ id, ...request }: ForwardedRequest) => {
    handler(request)
      .catch((error) => {
        onFault(error)
        return { status: 500, headers: {}, body: new Uint8Array() }
      })
      .then((answer) => port.postMessage({ id, ...answer } satisfies ForwardedAnswer))
      .catch(onFault)
  })
}
