import { formatHex } from '../../../src/bytes/hex.ts'
import { formatIpv4 } from '../../../src/bytes/ipv4.ts'
import { parseMac } from '../../../src/bytes/mac.ts'
import { makeClientPacket } from '../../../src/dhcp/client-packet.ts'
import { decodeMessage } from '../../../src/dhcp/message.ts'
import { openUdpSocket } from '../../../src/net/udp-socket.ts'

/** A DISCOVER that is sent. */
export type Question = {
  /** What the client is, for people: `node1 as UEFI`. */
  who: string
  mac: string
  architecture?: number
  vendorClass?: string
  isIpxe?: boolean
  parameters?: readonly number[]
}

/** What came back; options by code, hexadecimal. */
export type Heard = { yiaddr: string; siaddr: string; file: string; options: Record<string, string> }

/*
 * Asks a DHCP server one question after the other. Each round sends what is not answered yet, and then a question that
 * always is (`control`): when its answer is there, the server has dealt with the others before it. One argument: JSON of
 * AskerSettings. Prints the answers in the order of the questions, null for none.
 */
export type AskerSettings = { interface: string; questions: Question[]; control: Question }

const rounds = 4
const settings = JSON.parse(process.argv[2]!) as AskerSettings
const socket = await openUdpSocket({ interface: settings.interface, port: 68 })
const heard = new Map<number, Heard>()
let wake = () => {}
socket.on('message', (reply) => {
  const { xid, yiaddr, siaddr, file, options } = decodeMessage(reply)
  heard.set(xid, {
    ...{ yiaddr: formatIpv4(yiaddr), siaddr: formatIpv4(siaddr), file },
    options: Object.fromEntries([...options].map(([code, value]) => [code, formatHex(value)])),
  })
  wake()
})

function send({ mac, architecture, vendorClass, isIpxe = false, parameters }: Question, xid: number): void {
  const packet = makeClientPacket({
    ...{ type: 'discover', mac: parseMac(mac), isIpxe, wantsBroadcast: true },
    ...(architecture !== undefined && { architecture }),
    ...(vendorClass !== undefined && { vendorClass }),
    ...(parameters && { parameters }),
  })
  new DataView(packet.buffer, packet.byteOffset).setUint32(4, xid)
  socket.send(packet, 67, '255.255.255.255')
}

for (let round = 1; round <= rounds; round++) {
  const controlXid = 0x1000 + round
  for (let attempt = 1; attempt <= 20 && !heard.has(controlXid); attempt++) {
    for (const [index, question] of settings.questions.entries()) if (!heard.has(index + 1)) send(question, index + 1)
    send(settings.control, controlXid)
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 1000)
      wake = () => {
        if (!heard.has(controlXid)) return
        clearTimeout(timer)
        resolve()
      }
    })
  }
  if (!heard.has(controlXid)) throw new Error('the server does not answer')
}
socket.close()
process.stdout.write(JSON.stringify(settings.questions.map((_, index) => heard.get(index + 1) ?? null)))
