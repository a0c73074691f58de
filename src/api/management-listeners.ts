import { once } from 'node:events'
import { chmod, rm } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createConnection, type ListenOptions } from 'node:net'
import type { FastifyInstance } from 'fastify'

export type ManagementListeners = {
  socketPath: string
  /** An address, or a listening socket that was handed in. */
  tcp: { host: string; port: number } | { fd: number }
}

/** Another service has the socket. */
export class SocketInUse extends Error {
  override readonly name = 'SocketInUse'
}

/** One application on two listeners, until the signal aborts. Throws SocketInUse, or the system's error. */
export async function serveManagement(
  app: FastifyInstance,
  { socketPath, tcp }: ManagementListeners,
  signal: AbortSignal,
): Promise<void> {
  await app.ready()
  const answer: RequestListener = (request, reply) => app.routing(request, reply)
  await removeStaleSocket(socketPath)
  const local = await listen(answer, { path: socketPath })
  await chmod(socketPath, 0o600)
  const servers = [local, await listen(answer, tcp)]
  if (!signal.aborted) await once(signal, 'abort')
  for (const server of servers) {
    server.close()
    server.closeAllConnections()
  }
  await app.close()
}

async function listen(answer: RequestListener, where: ListenOptions & { fd?: number }): Promise<Server> {
  const server = createServer(answer)
  server.listen(where)
  await once(server, 'listening')
  return server
}

/** What a killed service left behind is removed; one that answers is not disturbed. */
async function removeStaleSocket(socketPath: string): Promise<void> {
  const isAnswered = await new Promise<boolean>((resolve) => {
    const probe = createConnection(socketPath)
    probe.once('connect', () => resolve(true))
    probe.once('error', () => resolve(false))
    probe.once('close', () => probe.destroy())
  })
  if (isAnswered) throw new SocketInUse(`a service already listens at ${socketPath}; stop it, or give another --data`)
  await rm(socketPath, { force: true })
}
