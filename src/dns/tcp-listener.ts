import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { frameMessage, MessageFrames } from './message-frames.ts'
import { streamBytes } from './reply.ts'

export type TcpListenerOptions = {
  /** Dotted. */
  address: string
  port: number
  mayAsk: (address: string) => boolean
  onMessage: (message: Buffer, answer: (reply: Buffer) => void) => void
}

const mostConnections = 100
/** RFC 7766 §6.2.3: seconds. */
const idleMs = 10_000
/** Of answers that the other end does not read. */
const mostUnreadBytes = 4 * streamBytes

/** DNS by TCP: what was too long for a datagram, several questions on a connection. Rejects with the system's error. */
export async function listenTcp(options: TcpListenerOptions): Promise<{ close(): void; failed: Promise<never> }> {
  const connections = new Set<Socket>()
  const server = createServer((socket) => {
    const { remoteAddress } = socket
    if (remoteAddress === undefined || !options.mayAsk(remoteAddress)) {
      socket.destroy()
      return
    }
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
    serveConnection(socket, options)
  })
  server.maxConnections = mostConnections
  server.listen({ host: options.address, port: options.port })
  await once(server, 'listening')
  const failed = Promise.withResolvers<never>()
  server.on('error', failed.reject)
  failed.promise.catch(() => {})
  const close = () => {
    server.close()
    for (const socket of connections) socket.destroy()
  }
  return { close, failed: failed.promise }
}

function serveConnection(socket: Socket, { onMessage }: TcpListenerOptions): void {
  const frames = new MessageFrames()
  socket.setTimeout(idleMs, () => socket.destroy())
  // The other end is gone; it closes by itself.
  socket.on('error', () => {})
  socket.on('data', (piece: Buffer) => {
    for (const message of frames.take(piece)) {
      onMessage(message, (reply) => {
        if (socket.writableLength > mostUnreadBytes) socket.destroy()
        else if (socket.writable) socket.write(frameMessage(reply))
      })
    }
  })
}
