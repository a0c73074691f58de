import { formatIpv4, type Ipv4 } from '../bytes/ipv4.ts'
import { DatagramBatch } from '../linux/datagram-batch.ts'
import { LinuxError } from '../linux/linux-error.ts'
import type { InterfaceSocket } from './udp-socket.ts'

const batchDatagrams = 64
/** Longer ones are cut: no client sends such DHCP messages. */
const payloadBytes = 2048

export type OnDatagram = (payload: Uint8Array, source: { address: string; port: number }) => void

/**
 * Calls back with every datagram. The first of a burst wakes us by the event loop's own call; what else is there by
 * then comes with one system call, and without the buffer of 64 kB that the event loop would make for each.
 */
export function readDatagrams({ socket, fd }: InterfaceSocket, onDatagram: OnDatagram): void {
  const batch = new DatagramBatch(batchDatagrams, payloadBytes)
  socket.on('message', (payload, { address, port }) => {
    onDatagram(payload, { address, port })
    const count = receive(batch, fd)
    for (let slot = 0; slot < count; slot++) {
      const source = batch.source(slot)
      onDatagram(batch.payload(slot), { address: formatIpv4(source.address as Ipv4), port: source.port })
    }
  })
}

/** A pending error of the socket (a client's ICMP answer) comes to whoever reads next: it is not ours to fail by. */
function receive(batch: DatagramBatch, fd: number): number {
  try {
    return batch.receive(fd)
  } catch (error) {
    if (error instanceof LinuxError) return 0
    throw error
  }
}
