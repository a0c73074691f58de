import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeContext, makeRequest, type RequestSettings } from '../../test/fixtures/dhcp-request.ts'
import { formatHex } from '../bytes/hex.ts'
import { formatIpv4 } from '../bytes/ipv4.ts'
import { parseMac } from '../bytes/mac.ts'
import { decide } from './decide.ts'
import type { AnswerMode, Decision } from './decision.ts'
import { formatMessageType } from './message-type.ts'
import { Option } from './option.ts'
import { decodeText, decodeU8, encodeText, encodeU16 } from './options.ts'

/** A reply in one line: type, boot file in `file` and 67, its server in siaddr and 66, options 60 and 43, where to. */
function summarize(decision: Decision): string {
  if (decision.kind === 'ignore') return `ignore: ${decision.reason}`
  const { message, destination } = decision
  const { options, siaddr, file, yiaddr } = message
  const text = (code: number) => (decodeText(options, code) === undefined ? '-' : decodeText(options, code))
  const vendor = options.get(Option.vendorSpecific)
  const to = destination.kind === 'broadcast' ? 'all' : `${formatIpv4(destination.address)}:${destination.port}`
  return [
    formatMessageType(decodeU8(options, Option.messageType)),
    yiaddr === 0 ? '-' : formatIpv4(yiaddr),
    `file=${file} 67=${text(Option.bootFileName)}`,
    `siaddr=${formatIpv4(siaddr)} 66=${text(Option.tftpServerName)}`,
    `60=${text(Option.vendorClass)} 43=${vendor ? formatHex(vendor) : '-'}`,
    to,
  ].join(' | ')
}

const client = (vendorClass: string, architecture: number): [number, Uint8Array][] => [
  [Option.vendorClass, encodeText(vendorClass)],
  [Option.clientArchitecture, encodeU16(architecture)],
]
const pxe = (architecture: number) => client(`PXEClient:Arch:0000${architecture}:UNDI:003000`, architecture)
const http = (architecture: number) => client(`HTTPClient:Arch:000${architecture}:UNDI:003000`, architecture)
const ipxe: [number, Uint8Array] = [Option.userClass, encodeText('iPXE')]
const raspberryPi = parseMac('b8:27:eb:00:00:01')
const item: [number, Uint8Array] = [Option.vendorSpecific, Uint8Array.of(0x47, 4, 0x80, 0, 0, 0, 255)]
const boot: RequestSettings = { type: 'request', ciaddr: '10.9.0.77', source: { localPort: 4011, port: 4011 } }

const bios = 'file=ipxe/undionly.kpxe 67=ipxe/undionly.kpxe | siaddr=10.9.0.1 66=10.9.0.1'
const uefi = 'file=ipxe/snponly.efi 67=ipxe/snponly.efi | siaddr=10.9.0.1 66=10.9.0.1'
const url = 'http://10.9.0.1:4280/ipxe/snponly.efi'
const script = 'http://10.9.0.1:4280/boot.ipxe?mac=52:54:00:00:00:99&token=T'
const piMenu = '0601030a0400505845091400001152617370626572727920506920426f6f74ff'

type Row = [criterion: string, mode: AnswerMode, request: RequestSettings, expected: string]
const rows: Row[] = [
  ['BIOS PXE', 'proxy', { options: pxe(0) }, `OFFER | - | ${bios} | 60=PXEClient 43=060108ff | all`],
  ['UEFI PXE on x64', 'proxy', { options: pxe(7) }, `OFFER | - | ${uefi} | 60=PXEClient 43=060108ff | all`],
  ['UEFI PXE that calls x64 EBC', 'proxy', { options: pxe(9) }, `OFFER | - | ${uefi} | 60=PXEClient 43=060108ff | all`],
  [
    'UEFI PXE on IA32',
    'proxy',
    { options: pxe(6) },
    `OFFER | - | ${uefi.replaceAll('ipxe/s', 'ipxe/ia32/s')} | 60=PXEClient 43=060108ff | all`,
  ],
  [
    'UEFI PXE on ARM64',
    'proxy',
    { options: client('PXEClient:Arch:00011:UNDI:003000', 11) },
    `OFFER | - | ${uefi.replaceAll('ipxe/snponly.efi', 'grub/core-arm64.efi')} | 60=PXEClient 43=060108ff | all`,
  ],
  [
    'UEFI HTTP boot on x64',
    'proxy',
    { options: http(16) },
    `OFFER | - | file=${url} 67=${url} | siaddr=10.9.0.1 66=10.9.0.1 | 60=HTTPClient 43=- | all`,
  ],
  [
    'iPXE',
    'proxy',
    { options: [...pxe(7), ipxe] },
    `OFFER | - | file=${script} 67=${script} | siaddr=10.9.0.1 66=10.9.0.1 | 60=PXEClient 43=060108ff | all`,
  ],
  [
    'a Raspberry Pi',
    'proxy',
    { mac: raspberryPi, options: pxe(0) },
    `OFFER | - | file=bootcode.bin 67=bootcode.bin | siaddr=10.9.0.1 66=10.9.0.1 | 60=PXEClient 43=${piMenu} | all`,
  ],
  [
    'firmware by way of a relay',
    'proxy',
    { options: pxe(7), fields: { giaddr: 0x0a090002 as never } },
    `OFFER | - | ${uefi} | 60=PXEClient 43=060108ff | 10.9.0.2:67`,
  ],
  [
    'the REQUEST on 4011',
    'proxy',
    { ...boot, options: pxe(7) },
    `ACK | - | ${uefi} | 60=PXEClient 43=- | 10.9.0.77:4011`,
  ],
  [
    'the REQUEST on 4011 for a menu item',
    'proxy',
    { ...boot, options: [...pxe(0), item] },
    `ACK | - | ${bios} | 60=PXEClient 43=470480000000ff | 10.9.0.77:4011`,
  ],
  [
    'the REQUEST on 4011 from another port',
    'proxy',
    { ...boot, source: { localPort: 4011, port: 68 }, options: pxe(7) },
    `ACK | - | ${uefi} | 60=PXEClient 43=- | 10.9.0.77:68`,
  ],
  [
    'a DISCOVER on 4011',
    'proxy',
    { ...boot, type: 'discover', options: pxe(7) },
    'ignore: a DISCOVER is not answered on port 4011',
  ],
  [
    "the client's REQUEST to its DHCP server",
    'proxy',
    { type: 'request', server: '10.9.0.2', options: pxe(7) },
    'ignore: a REQUEST is not answered beside another DHCP server',
  ],
  ['an operating system', 'proxy', {}, 'ignore: it asks for an address only, which another server gives'],
  [
    'a PXE client without option 93',
    'proxy',
    { options: [[Option.vendorClass, encodeText('PXEClient')]] },
    'ignore: it does not say its architecture (option 93), so it is left to the other server',
  ],
  [
    'firmware nothing runs on',
    'proxy',
    { options: client('PXEClient:Arch:00027', 27) },
    'ignore: no boot file because option 93 = 27, which no loader here runs on',
  ],
  // Authoritative: neither 60 nor 43, or both.
  ['BIOS PXE', 'authoritative', { options: pxe(0) }, `OFFER | 10.9.0.128 | ${bios} | 60=- 43=- | 10.9.0.128:68`],
  ['UEFI PXE', 'authoritative', { options: pxe(7) }, `OFFER | 10.9.0.128 | ${uefi} | 60=- 43=- | 10.9.0.128:68`],
  [
    'UEFI HTTP boot',
    'authoritative',
    { options: http(16) },
    `OFFER | 10.9.0.128 | file=${url} 67=${url} | siaddr=10.9.0.1 66=10.9.0.1 | 60=HTTPClient 43=- | 10.9.0.128:68`,
  ],
  [
    'a Raspberry Pi',
    'authoritative',
    { mac: raspberryPi, options: pxe(0) },
    `OFFER | 10.9.0.128 | file=bootcode.bin 67=bootcode.bin | siaddr=10.9.0.1 66=10.9.0.1 | 60=PXEClient 43=${piMenu} | 10.9.0.128:68`,
  ],
]

for (const [criterion, mode, request, expected] of rows) {
  test(`decide() as ${mode} answers ${criterion}`, () => {
    const context = makeContext()
    assert.equal(summarize(decide(makeRequest(context, request), context, mode)), expected)
  })
}

test("decide() as proxy gives no address, lease or network, and echoes the client's UUID", () => {
  const context = makeContext({ overrides: { routers: [0x0a0900fe as never], options: [[210, encodeText('x/')]] } })
  const uuid: [number, Uint8Array] = [Option.clientMachineIdentifier, new Uint8Array(17)]
  const decision = decide(makeRequest(context, { options: [...pxe(7), uuid] }), context, 'proxy')
  assert.ok(decision.kind === 'reply' && !decision.change)
  assert.deepEqual([...decision.message.options.keys()], [53, 54, 66, 67, 60, 43, 210, 97])
})

test('decide() offers no loader that is not here', () => {
  const context = { ...makeContext(), hasLoader: () => false }
  const decision = decide(makeRequest(context, { options: pxe(7) }), context)
  assert.ok(decision.kind === 'reply' && decision.bootFile === undefined)
  assert.match(decision.because, /no boot file because .* its loader ipxe\/snponly\.efi is not here/)
})
