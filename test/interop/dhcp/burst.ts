import { randomInt } from 'node:crypto'
import { formatIpv4, type Ipv4, ipv4ToBytes } from '../../../src/bytes/ipv4.ts'
import { broadcastFlag, decodeMessage, encodeMessage, type Message } from '../../../src/dhcp/message.ts'
import { MessageType } from '../../../src/dhcp/message-type.ts'
import { Option } from '../../../src/dhcp/option.ts'
import { encodeU8, type Options } from '../../../src/dhcp/options.ts'
import { openUdpSocket } from '../../../src/net/udp-socket.ts'

/*
 * Many DHCP clients in one process, on one socket: each discovers, requests what it is offered, and repeats after a
 * second without an answer. Prints one BurstAck a line the moment the ACK is here, and ends when all have one. One
 * argument: JSON of BurstSettings.
 */
export type BurstSettings = {
  interface: string
  clients: number
  /** How many are at it at a time. */
  concurrency: number
}
export type BurstAck = { mac: string; address: string; milliseconds: number }

type Client = { mac: Uint8Array; xid: number; last: Uint8Array; startedAt: number; sentAt: number }

const settings = JSON.parse(process.argv[2]!) as BurstSettings
const none = 0 as Ipv4
const socket = await openUdpSocket({ interface: settings.interface, port: 68, receiveBufferBytes: 8 << 20 })
const running = new Map<number, Client>()
let next = 0
let done = 0

socket.on('message', (packet) => {
  const message = decodeMessage(packet)
  const client = running.get(message.xid)
  if (!client) return
  const type = message.options.get(Option.messageType)![0]
  if (type === MessageType.offer) send(client, requestOf(client, message))
  if (type !== MessageType.ack) return
  running.delete(message.xid)
  const ack: BurstAck = {
    mac: Buffer.from(client.mac)
      .toString('hex')
      .replace(/..(?=.)/g, '$&:'),
    address: formatIpv4(message.yiaddr),
    milliseconds: performance.now() - client.startedAt,
  }
  process.stdout.write(`${JSON.stringify(ack)}\n`)
  done += 1
  if (done === settings.clients) finish()
  else start()
})

const retransmit = setInterval(() => {
  for (const client of running.values()) if (performance.now() - client.sentAt > 1000) send(client, client.last)
}, 200)
for (let slot = 0; slot < settings.concurrency; slot++) start()

function start(): void {
  if (next === settings.clients) return
  const mac = Uint8Array.of(2, 0xbb, 0, 0, next >> 8, next)
  const client: Client = { mac, xid: randomInt(2 ** 32), last: mac, startedAt: performance.now(), sentAt: 0 }
  next += 1
  running.set(client.xid, client)
  send(client, encode(client, new Map([[Option.messageType, encodeU8(MessageType.discover)]])))
}

function requestOf(client: Client, offer: Message): Uint8Array {
  return encode(
    client,
    new Map([
      [Option.messageType, encodeU8(MessageType.request)],
      [Option.serverIdentifier, offer.options.get(Option.serverIdentifier)!],
      [Option.requestedAddress, ipv4ToBytes(offer.yiaddr)],
    ]),
  )
}

function encode({ mac, xid }: Client, options: Options): Uint8Array {
  return encodeMessage({
    ...{ op: 1, htype: 1, hops: 0, xid, secs: 0, flags: broadcastFlag, chaddr: mac, sname: '', file: '', options },
    ...{ ciaddr: none, yiaddr: none, siaddr: none, giaddr: none },
  })
}

function send(client: Client, packet: Uint8Array): void {
  client.last = packet
  client.sentAt = performance.now()
  // A full queue is a lost packet; it is repeated.
  socket.send(packet, 67, '255.255.255.255', () => {})
}

function finish(): void {
  clearInterval(retransmit)
  socket.close()
}
