import { parseIpv4 } from '../../../src/bytes/ipv4.ts'
import { parseMac } from '../../../src/bytes/mac.ts'
import { makeClientPacket } from '../../../src/dhcp/client-packet.ts'
import { describeMessage } from '../../../src/dhcp/describe-message.ts'
import { formatMessage } from '../../../src/dhcp/format-message.ts'
import { decodeMessage } from '../../../src/dhcp/message.ts'
import { openUdpSocket } from '../../../src/net/udp-socket.ts'

/*
 * What PXE firmware sends, on real sockets: a DISCOVER to everybody, and, where `bootServer` is given, a REQUEST from
 * port 4011 to it. Prints one JSON object for each answer; ends when `answers` have come. One argument: JSON of
 * PxeClientSettings.
 */
export type PxeClientSettings = {
  interface: string
  mac: string
  architecture: number
  /** Our own address, for the boot server. */
  address?: string
  bootServer?: string
  answers: number
}

const settings = JSON.parse(process.argv[2]!) as PxeClientSettings
const { bootServer, address } = settings
const socket = await openUdpSocket({ interface: settings.interface, port: bootServer === undefined ? 68 : 4011 })
const isBootServer = bootServer !== undefined
const packet = makeClientPacket({
  ...{ mac: parseMac(settings.mac), architecture: settings.architecture, isIpxe: false, wantsBroadcast: true },
  type: isBootServer ? 'request' : 'discover',
  ...(address !== undefined && { ciaddr: parseIpv4(address) }),
})
const send = () => socket.send(packet, isBootServer ? 4011 : 67, bootServer ?? '255.255.255.255')
let left = settings.answers
const again = setInterval(send, 1000)
socket.on('message', (reply, { port }) => {
  const message = decodeMessage(reply)
  const answer = { port, says: describeMessage(message), packet: formatMessage(message) }
  process.stdout.write(`${JSON.stringify(answer)}\n`)
  left -= 1
  if (left > 0) return
  clearInterval(again)
  socket.close()
})
send()
