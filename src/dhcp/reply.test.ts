import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { makeContext, makeRequest, type RequestSettings, stranger, web1 } from '../../test/fixtures/dhcp-request.ts'
import { formatIpv4, type Ipv4, parseIpv4 } from '../bytes/ipv4.ts'
import { decide } from './decide.ts'
import type { Reply } from './decision.ts'
import { formatMessage } from './format-message.ts'
import { decodeMessage, encodeMessage } from './message.ts'
import { Option } from './option.ts'
import { encodeText, encodeU16 } from './options.ts'

const context = makeContext({
  overrides: { routers: [parseIpv4('10.9.0.254')], nameServers: [parseIpv4('10.9.0.1')], domainName: 'rack.test' },
})

function reply(settings: RequestSettings): Reply {
  const decision = decide(makeRequest(context, settings), context)
  if (decision.kind !== 'reply') throw new Error(`ignored: ${decision.reason}`)
  return decision
}

/** What leaves: encoded and read back. */
function sent(settings: RequestSettings): string {
  const { message, maximumBytes, because } = reply(settings)
  const bytes = encodeMessage(message, maximumBytes)
  return `${bytes.length} bytes, ${because}\n${formatMessage(decodeMessage(bytes))}`
}

const uuid: [number, Uint8Array] = [Option.clientMachineIdentifier, Uint8Array.from({ length: 17 }, (_, i) => i)]
const identifier: [number, Uint8Array] = [Option.clientIdentifier, Uint8Array.of(1, 2, 3)]
const relayed: [number, Uint8Array] = [Option.relayAgentInformation, Uint8Array.of(1, 2, 7, 7)]
const firmware = (text: string, arch: number): [number, Uint8Array][] => [
  [Option.vendorClass, encodeText(text)],
  [Option.clientArchitecture, encodeU16(arch)],
]
const giaddr = { giaddr: parseIpv4('10.9.0.253') }
const mac = web1.macs[0]!

const goldens: Record<string, RequestSettings> = {
  'offer-bios-pxe': { mac, options: [...firmware('PXEClient:Arch:00000:UNDI:002001', 0), uuid, identifier] },
  'offer-uefi-pxe': { mac, options: [...firmware('PXEClient:Arch:00007:UNDI:003000', 7), uuid] },
  'offer-uefi-http': { mac, options: firmware('HTTPClient:Arch:00016:UNDI:003000', 16) },
  'offer-ipxe': { mac, options: [...firmware('PXEClient:Arch:00007', 7), [Option.userClass, encodeText('iPXE')]] },
  'ack-client-relayed': {
    ...{ type: 'request', server: '10.9.0.1', requested: '10.9.0.140', mac: stranger },
    ...{ options: [relayed, identifier], fields: giaddr },
  },
  'ack-inform': { type: 'inform', ciaddr: '10.9.0.77' },
  'nak-relayed': { type: 'request', requested: '192.168.1.5', options: [relayed, identifier, uuid], fields: giaddr },
}

for (const [name, settings] of Object.entries(goldens)) {
  test(`decide() answers with ${name}, byte for byte`, (t: TestContext) => {
    const golden = join(import.meta.dirname, 'goldens', `${name}.txt`)
    t.assert.fileSnapshot(sent(settings), golden, { serializers: [(value) => value] })
  })
}

test('encodeMessage() ends the options with END and zeros, and puts relay information last', () => {
  const bytes = encodeMessage(reply(goldens['nak-relayed']!).message)
  const end = bytes.indexOf(255, 240)
  assert.deepEqual([...bytes.subarray(end - 6, end)], [82, 4, 1, 2, 7, 7])
  assert.ok(bytes.subarray(end + 1).every((byte) => byte === 0))
  assert.equal(encodeMessage(reply({ type: 'request', requested: '1.2.3.4' }).message).length, 300)
})

const destinations: [criterion: string, settings: RequestSettings, expected: string][] = [
  ['a client without an address alone', {}, 'unicast 10.9.0.128:68 by 52:54:00:00:00:99'],
  ['everybody when asked to', { fields: { flags: 0x8000 } }, 'broadcast'],
  ['everybody for a NAK', { type: 'request', requested: '1.2.3.4' }, 'broadcast'],
  ['everybody for a NAK to a renewal', { type: 'request', ciaddr: '10.9.0.77' }, 'broadcast'],
  ['the address of a renewal', { type: 'request', ciaddr: '10.9.0.140' }, 'unicast 10.9.0.140:68'],
  ['the relay', { fields: giaddr }, 'unicast 10.9.0.253:67'],
  ['the relay for a NAK', { type: 'request', requested: '1.2.3.4', fields: giaddr }, 'unicast 10.9.0.253:67'],
  ['the asker of an INFORM', { type: 'inform', ciaddr: '10.9.0.77' }, 'unicast 10.9.0.77:68'],
  ['a DISCOVER with ciaddr at its new address', { ciaddr: '10.9.0.77' }, 'unicast 10.9.0.128:68 by 52:54:00:00:00:99'],
  [
    'everybody for hardware that is not Ethernet',
    { fields: { htype: 32, chaddr: new Uint8Array(0) }, options: [identifier] },
    'broadcast',
  ],
]

for (const [whom, settings, expected] of destinations) {
  test(`chooseDestination() sends to ${whom}`, () => {
    const { destination } = reply(settings)
    if (destination.kind === 'broadcast') return assert.equal('broadcast', expected)
    const { address, port, hardwareAddress } = destination
    const by = hardwareAddress
      ? ` by ${Buffer.from(hardwareAddress)
          .toString('hex')
          .replace(/..(?=.)/g, '$&:')}`
      : ''
    assert.equal(`unicast ${formatIpv4(address)}:${port}${by}`, expected)
  })
}

const sizes: [option: number | undefined, expected: number][] = [
  [undefined, 548],
  [300, 548],
  [1000, 972],
  [1472, 1444],
  [1500, 1472],
  [0xff00, 1472],
]

for (const [option, expected] of sizes) {
  test(`decide() reads option 57 = ${option} as a payload of ${expected} bytes`, () => {
    const options: [number, Uint8Array][] = option === undefined ? [] : [[Option.maximumMessageSize, encodeU16(option)]]
    assert.equal(reply({ options }).maximumBytes, expected)
  })
}

test('decide() leaves a URL too long for `file` to option 67', () => {
  const url = `http://10.9.0.1:4280/${'x'.repeat(120)}`
  const settings: RequestSettings = { options: [[Option.userClass, encodeText('iPXE')]] }
  const decision = decide(makeRequest(context, settings), { ...context, scriptUrl: () => url })
  assert.ok(decision.kind === 'reply')
  assert.equal(decision.message.file, '')
  assert.deepEqual(decision.message.options.get(Option.bootFileName), encodeText(`${url}\0`))
})

test('decide() tells people the boot file without its token', () => {
  const decision = reply(goldens['offer-ipxe']!)
  assert.match(decision.bootFile ?? '', /token=T/)
  assert.doesNotMatch(decision.because, /token/)
})

test('decide() is pure: the lease table is as before', () => {
  const fresh = makeContext()
  decide(makeRequest(fresh, {}), fresh)
  assert.equal(fresh.leases.size, 0)
  assert.equal(fresh.leases.holderOf(parseIpv4('10.9.0.128'), 0 as Ipv4), undefined)
})
