import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'

/**
 * A UDP socket of its own for one other end, from a port that the kernel draws: nothing comes in from anybody else, and a
 * host that says that nobody listens there is an `error`. The caller closes it. `address` is dotted. Rejects with the
 * system's error (no route).
 */
export async function openConnectedSocket(address: string, port: number): Promise<Socket> {
  const socket = createSocket('udp4')
  try {
    socket.connect(port, address)
    await once(socket, 'connect')
    return socket
  } catch (error) {
    socket.close()
    throw error
  }
}
