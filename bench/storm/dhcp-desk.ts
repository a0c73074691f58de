import { formatIpv4, ipv4FromBytes } from '../../src/bytes/ipv4.ts'
import type { Mac } from '../../src/bytes/mac.ts'
import { type ClientPacket, makeClientPacket } from '../../src/dhcp/client-packet.ts'
import { decodeMessage, type Message } from '../../src/dhcp/message.ts'
import { MessageType } from '../../src/dhcp/message-type.ts'
import { Option } from '../../src/dhcp/option.ts'
import { openUdpSocket, type UdpSocket } from '../../src/net/udp-socket.ts'
import { GaveUp } from './gave-up.ts'

/** How long each sending waits for its answer: OVMF's, as captured (0, 4, 12 and 28 s), and iPXE's back-off. */
export const dhcpTimeoutsMs = { firmware: [4000, 8000, 16_000, 32_000], ipxe: [1000, 2000, 4000, 8000, 10_000] }

export type Lease = { address: string; bootFile: string; nextServer: string }

const chaddr = { start: 28, end: 34 }

/** The DHCP clients of all machines behind one socket; who an answer is for, its `chaddr` says. */
export class DhcpDesk {
  readonly #socket: UdpSocket
  readonly #waiting = new Map<string, (packet: Buffer) => void>()
  retries = 0

  private constructor(socket: UdpSocket) {
    this.#socket = socket
    socket.setRecvBufferSize(8 << 20)
    socket.on('message', (packet) => {
      this.#waiting.get(packet.toString('hex', chaddr.start, chaddr.end))?.(packet)
    })
  }

  static async open(interfaceName: string): Promise<DhcpDesk> {
    return new DhcpDesk(await openUdpSocket({ interface: interfaceName, port: 68 }))
  }

  /** DISCOVER, OFFER, REQUEST, ACK. Rejects with GaveUp. */
  async lease(client: Omit<ClientPacket, 'type'>, timeoutsMs: readonly number[]): Promise<Lease> {
    const offer = await this.#exchange({ ...client, type: 'discover' }, MessageType.offer, timeoutsMs)
    const server = ipv4FromBytes(offer.options.get(Option.serverIdentifier)!)
    const request = { ...client, type: 'request', requested: offer.yiaddr, server } as const
    const { yiaddr, siaddr, file, options } = await this.#exchange(request, MessageType.ack, timeoutsMs)
    const named = options.get(Option.bootFileName)
    const bootFile =
      file !== ''
        ? file
        : Buffer.from(named ?? [])
            .toString()
            .replace(/\0$/, '')
    return { address: formatIpv4(yiaddr), bootFile, nextServer: formatIpv4(siaddr) }
  }

  close(): void {
    this.#socket.close()
  }

  async #exchange(client: ClientPacket, wanted: number, timeoutsMs: readonly number[]): Promise<Message> {
    const packet = makeClientPacket(client)
    const key = keyOf(client.mac)
    const { promise, resolve, reject } = Promise.withResolvers<Message>()
    let attempt = 0
    let timer: NodeJS.Timeout | undefined
    let immediate: NodeJS.Immediate | undefined
    const send = () => {
      const timeoutMs = timeoutsMs[attempt]
      if (timeoutMs === undefined) {
        return reject(new GaveUp(`DHCP ${client.type}${client.isIpxe ? ' of iPXE' : ''} was not answered`))
      }
      if (attempt++ > 0) this.retries += 1
      this.#socket.send(packet, 67, '255.255.255.255')
      // What came while this process was busy with other machines is read before anybody is taken for late.
      timer = setTimeout(() => {
        immediate = setImmediate(send)
      }, timeoutMs)
    }
    this.#waiting.set(key, (bytes) => {
      const message = decodeMessage(bytes)
      const type = message.options.get(Option.messageType)?.[0]
      if (message.xid !== client.xid) return
      if (type === MessageType.nak) reject(new GaveUp(`DHCP ${client.type} was refused`))
      else if (type === wanted) resolve(message)
    })
    send()
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      clearImmediate(immediate)
      this.#waiting.delete(key)
    }
  }
}

function keyOf(mac: Mac): string {
  return mac.replaceAll(':', '')
}
