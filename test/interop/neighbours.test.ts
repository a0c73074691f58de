import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { decodeCdp } from '../../src/agent/surroundings/cdp.ts'
import { decodeLldp } from '../../src/agent/surroundings/lldp.ts'
import { firstFrame } from '../fixtures/first-frame.ts'
import { openNetworkPair } from './network-pair.ts'

const run = promisify(execFile)
const fixtures = join(import.meta.dirname, '../fixtures/neighbours')

/** What Wireshark reads from the first frame, field by field. */
async function dissect(capture: string, fields: string[]): Promise<string[]> {
  const wanted = fields.flatMap((field) => ['-e', field])
  const options = ['-r', join(fixtures, capture), '-c', '1', '-T', 'fields', '-E', 'occurrence=f', ...wanted]
  const { stdout } = await run('tshark', options)
  return stdout.trimEnd().split('\t')
}

test('decodeLldp() reads what Wireshark reads', async () => {
  const fields = ['lldp.chassis.id.mac', 'lldp.port.id', 'lldp.port.desc', 'lldp.tlv.system.name', 'lldp.mgn.addr.ip4']
  const { chassis, port, portDescription, system, managementAddress } = decodeLldp(
    firstFrame('neighbours/lldpd.pcap').subarray(14),
  )!
  assert.deepEqual([chassis, port, portDescription, system, managementAddress], await dissect('lldpd.pcap', fields))
})

test('decodeCdp() reads what Wireshark reads', async () => {
  const { system, port, managementAddress } = decodeCdp(firstFrame('neighbours/lldpd-cdp.pcap').subarray(14))!
  const read = await dissect('lldpd-cdp.pcap', ['cdp.deviceid', 'cdp.portid', 'cdp.nrgyz.ip_address'])
  assert.deepEqual([system, port], read.slice(0, 2))
  assert.equal(managementAddress, '10.0.0.2')
})

const source = (path: string) => JSON.stringify(new URL(`../../${path}`, import.meta.url))
const listen = (name: string) => `
  import { listenForNeighbours } from ${source('src/agent/surroundings/listen-for-neighbours.ts')}
  const heard = []
  await listenForNeighbours({
    interfaces: [{ name: ${JSON.stringify(name)}, mac: '52:54:00:00:00:01' }, { name: 'lo', mac: '52:54:00:00:00:02' }],
    timeoutMs: 4000,
    onHeard: (mac, neighbour) => heard.push({ mac, ...neighbour }),
    onTrouble: (reason) => heard.push(reason),
  })
  console.log(JSON.stringify(heard))`

/** Again and again, because nobody knows when the other end listens. */
const send = (name: string, frame: Buffer) => `
  import { setTimeout } from 'node:timers/promises'
  import { openPacketFd, sendFrame } from ${source('src/linux/packet-socket.ts')}
  const fd = openPacketFd(${JSON.stringify(name)}, 0x88cc, [])
  for (let count = 0; count < 30; count++) {
    sendFrame(fd, Buffer.from('${frame.toString('hex')}', 'hex'))
    await setTimeout(100)
  }`

for (const [capture, protocol] of [
  ['lldpd.pcap', 'lldp'],
  ['lldpd-cdp.pcap', 'cdp'],
] as const) {
  test(`listenForNeighbours() hears ${protocol} on its cable, and goes by the deadline where nobody speaks`, async (t) => {
    const networks = await openNetworkPair(t)
    if (!networks) return
    const { server, client } = networks
    const evaluate = (text: string) => ['--input-type=module-typescript', '--eval', text]
    const frame = firstFrame(`neighbours/${capture}`)
    const [listener, sender] = await Promise.all([
      client.run(process.execPath, evaluate(listen(client.interface))),
      server.run(process.execPath, evaluate(send(server.interface, frame))),
    ])
    assert.deepEqual([listener.code, sender.code], [0, 0], `${listener.stderr}${sender.stderr}`)
    const heard = JSON.parse(listener.stdout)
    assert.deepEqual(
      heard.map(({ mac, protocol: by, system }: Record<string, string>) => [mac, by, system]),
      [['52:54:00:00:00:01', protocol, 'sw-3.example.test']],
    )
  })
}
