import { once } from 'node:events'
import { get } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { parseMac } from '../../src/bytes/mac.ts'
import { makeClientPacket } from '../../src/dhcp/client-packet.ts'
import { openUdpSocket } from '../../src/net/udp-socket.ts'

/*
 * A client that has been waiting for its server: asks for an offer and for a boot script every few milliseconds until
 * there are answers. Arguments: interface, the server's address, MAC. Prints `waiting`, then when each answer came (JSON,
 * milliseconds since the epoch).
 */
const [interfaceName = '', server = '', mac = ''] = process.argv.slice(2)
const everyMs = 5
const deadline = AbortSignal.timeout(60_000)
const now = () => performance.timeOrigin + performance.now()

const socket = await openUdpSocket({ interface: interfaceName, port: 68 })
process.stdout.write('waiting\n')
const [offeredAt, httpAt] = await Promise.all([untilOffered(), untilAnswered()])
process.stdout.write(`${JSON.stringify({ offeredAt, httpAt })}\n`)
process.exit(0)

async function untilOffered(): Promise<number> {
  const discover = makeClientPacket({ mac: parseMac(mac), type: 'discover', isIpxe: false, wantsBroadcast: true })
  const asking = setInterval(() => socket.send(discover, 67, '255.255.255.255'), everyMs)
  await once(socket, 'message', { signal: deadline })
  clearInterval(asking)
  return now()
}

async function untilAnswered(): Promise<number> {
  for (;;) {
    deadline.throwIfAborted()
    const answered = await new Promise<boolean>((resolve) => {
      const request = get(`http://${server}:4280/boot.ipxe`, (response) => {
        response.resume()
        resolve(true)
      })
      request.on('error', () => resolve(false))
    })
    if (answered) return now()
    await wait(everyMs)
  }
}
