import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeContext, makeRequest, stranger } from '../../test/fixtures/dhcp-request.ts'
import { formatHex, parseHex } from '../bytes/hex.ts'
import { formatIpv4, parseIpv4 } from '../bytes/ipv4.ts'
import { parseMac } from '../bytes/mac.ts'
import { noClientRules } from './client-settings.ts'
import { decide } from './decide.ts'
import type { DecideContext, Decision } from './decision.ts'
import { formatMessageType, MessageType } from './message-type.ts'
import { type NetBoot, type NetBootImage, netBootId } from './net-boot.ts'
import { decodeNetBootMessage, encodeImageList } from './net-boot-message.ts'
import { Option } from './option.ts'
import { decodeText, decodeU8, encodeText } from './options.ts'

const image: NetBootImage = {
  name: 'The-Image',
  id: netBootId('osx', true, 0x89),
  bootFile: 'mactel64.efi',
  rootPath: 'nfs:10.9.0.1:/nb:image.dmg',
  architectures: ['i386'],
}
const forPpc: NetBootImage = {
  name: 'Old',
  id: netBootId('server', false, 7),
  bootFile: 'booter',
  architectures: ['ppc'],
}

function contextOf(images: readonly NetBootImage[] = [image, forPpc]): DecideContext {
  const netBoot: NetBoot = { priority: 0x8000, images }
  return { ...makeContext(), rules: { ...noClientRules, netBoot } }
}

type Asked = { message?: string; vendorClass?: string; type?: 'inform' | 'discover' | 'request'; ciaddr?: string }

/** From the Mac's side: what it sends (option 43, hexadecimal), and what it hears. */
function ask(
  { message, vendorClass = 'AAPLBSDPC/i386/MacBookPro4,1', type = 'inform', ciaddr = '10.9.0.77' }: Asked,
  context = contextOf(),
) {
  const options: [number, Uint8Array][] = [[Option.vendorClass, encodeText(vendorClass)]]
  if (message !== undefined) options.push([Option.vendorSpecific, parseHex(message.replaceAll(' ', ''))])
  return decide(makeRequest(context, { type, options, ciaddr }), context)
}

/** Type, option 60, option 43, boot file with its server and root path, and where to. */
function heard(decision: Decision): string {
  if (decision.kind === 'ignore') return `ignore: ${decision.reason}`
  const { options, file, siaddr, yiaddr } = decision.message
  const { destination } = decision
  const vendor = options.get(Option.vendorSpecific)
  return [
    formatMessageType(decodeU8(options, Option.messageType)),
    decodeText(options, Option.vendorClass),
    vendor ? formatHex(vendor, ' ') : '-',
    file === '' ? '-' : `${file} of ${formatIpv4(siaddr)}, ${decodeText(options, Option.rootPath)}`,
    destination.kind === 'unicast' && yiaddr === 0
      ? `${formatIpv4(destination.address)}:${destination.port}`
      : 'leased',
  ].join(' | ')
}

const name = '54 68 65 2d 49 6d 61 67 65'
const id = '81 00 00 89'
const list = '01 01 01 02 02 01 01'
const select = `01 01 02 02 02 01 01 08 04 ${id}`
const selected = `ACK | AAPLBSDPC | 01 01 02 08 04 ${id} 82 09 ${name} | mactel64.efi of 10.9.0.1, nfs:10.9.0.1:/nb:image.dmg | 10.9.0.77:68`

const conversation: [criterion: string, asked: Asked, expected: string][] = [
  ['DISCOVER', { type: 'discover', ciaddr: '0.0.0.0' }, `OFFER | AAPLBSDPC | 08 04 ${id} | - | leased`],
  [
    'LIST',
    { message: list },
    `ACK | AAPLBSDPC | 01 01 01 04 02 80 00 07 04 ${id} 09 0e ${id} 09 ${name} | - | 10.9.0.77:68`,
  ],
  [
    'LIST with a reply port, in version 1.0',
    { message: '01 01 01 02 02 01 00 05 02 03 e7' },
    `ACK | AAPLBSDPC | 01 01 01 04 02 80 00 07 04 ${id} 09 0e ${id} 09 ${name} | - | 10.9.0.77:999`,
  ],
  ['SELECT', { message: select }, selected],
  ['SELECT of this server', { message: `${select} 03 04 0a 09 00 01` }, selected],
  [
    'SELECT of another server',
    { message: `${select} 03 04 0a 09 00 02` },
    'ignore: a NetBoot choice of another server',
  ],
  [
    'SELECT of an unknown image',
    { message: '01 01 02 02 02 01 01 08 04 81 00 00 01' },
    'ACK | AAPLBSDPC | 01 01 03 08 04 81 00 00 01 | - | 10.9.0.77:68',
  ],
  [
    'LIST of another architecture',
    { message: list, vendorClass: 'AAPLBSDPC/ppc/PowerMac' },
    'ACK | AAPLBSDPC | 01 01 01 04 02 80 00 07 04 02 00 00 07 09 08 02 00 00 07 03 4f 6c 64 | - | 10.9.0.77:68',
  ],
  [
    'LIST of one that has no image',
    { message: list, vendorClass: 'AAPLBSDPC/arm64/Mac15,3' },
    'ignore: no NetBoot image is for Mac15,3 (arm64)',
  ],
  ['another version', { message: '01 01 01 02 02 02 00' }, 'ignore: BSDP 200 is not spoken here'],
  [
    'a reply port that anybody may have',
    { message: `${list} 05 02 04 00` },
    'ignore: BSDP answers go to ports below 1024, not 1024',
  ],
  [
    'a question without an address',
    { message: list, ciaddr: '0.0.0.0' },
    'ignore: a NetBoot question without the address to answer to',
  ],
]

for (const [criterion, asked, expected] of conversation) {
  test(`decide() answers a Mac's ${criterion}`, () => {
    assert.equal(heard(ask(asked)), expected)
  })
}

test('decide() offers a Mac only the images for its model and MAC', () => {
  const mine = { ...image, models: ['MacBookPro*', 'iMac4,1'] }
  const others = { ...image, id: netBootId('osx', false, 1), name: 'B', models: ['Xserve1,1'] }
  const named = {
    ...image,
    id: netBootId('diagnostics', false, 2),
    name: 'C',
    macs: [parseMac('52:54:00:00:00:aa'), stranger],
  }
  const notMine = { ...image, id: netBootId('osx', false, 3), name: 'D', macs: [parseMac('52:54:00:00:00:aa')] }
  const answer = heard(ask({ message: list }, contextOf([others, mine, named, notMine])))
  assert.match(answer, /07 04 81 00 00 89 09 14 81 00 00 89 09 (.. ){9}03 00 00 02 01 43 \|/)
})

test('encodeImageList() leaves out whole entries where 255 bytes are full', () => {
  const many = Array.from({ length: 20 }, (_, index) => ({ id: index + 1, name: 'x'.repeat(20) }))
  const field = encodeImageList(1, 1, many)
  assert.ok(field.length <= 255)
  assert.equal(field[14], 9 * 25)
  assert.equal(field.length, 15 + 9 * 25)
})

for (const [criterion, field] of [
  ['a sub-option that leads out', '01 02 01'],
  ['no message type', '02 02 01 01'],
  ['a type of two bytes', '01 02 00 01'],
  ['a server identifier that is no address', '01 01 02 03 03 0a 00 00'],
] as const) {
  test(`decodeNetBootMessage() refuses ${criterion}`, () => {
    assert.throws(() => decodeNetBootMessage(parseHex(field.replaceAll(' ', ''))), { name: 'DecodeError' })
  })
}

test('decodeNetBootMessage() reads all that a Mac may say', () => {
  const message = decodeNetBootMessage(
    parseHex('0101020202010103040a0900010502 03e7 0804810000890c020fff'.replaceAll(' ', '')),
  )
  assert.deepEqual(message, {
    ...{
      type: 2,
      version: 0x0101,
      serverIdentifier: parseIpv4('10.9.0.1'),
      replyPort: 999,
      selectedImage: 0x8100_0089,
    },
  })
})

test('decide() answers the INFORM of what is no Mac as ever', () => {
  const decision = ask({ vendorClass: 'MSFT 5.0' })
  assert.equal(decision.kind === 'reply' && decodeU8(decision.message.options, Option.messageType), MessageType.ack)
})
