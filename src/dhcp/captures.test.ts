import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type CapturedDatagram, readPcap } from '../../test/fixtures/read-pcap.ts'
import { DecodeError } from '../bytes/decode-error.ts'
import { classify } from './classify.ts'
import { formatMessage } from './format-message.ts'
import { decodeMessage, encodeMessage } from './message.ts'

const fixtures = join(import.meta.dirname, '../../test/fixtures/dhcp')
const captures = [
  ...['udhcpc', 'dhclient', 'ipxe-rom-bios', 'ovmf-pxe', 'ovmf-http'],
  ...['ovmf-secure-pxe', 'ipxe-snponly', 'systemd-networkd'],
]

function describe({ payload, destination, destinationPort }: CapturedDatagram): string {
  const message = decodeMessage(payload)
  const from = message.op === 1 ? JSON.stringify(classify(message)) : 'reply'
  return `to ${destination}:${destinationPort}, ${payload.length} bytes, ${from}\n${formatMessage(message)}`
}

for (const name of captures) {
  // The server's probe of a new address is an empty datagram to the discard port.
  const capture = async (): Promise<CapturedDatagram[]> =>
    (await readPcap(join(fixtures, `${name}.pcap`))).filter(({ destinationPort }) => destinationPort !== 9)

  test(`decodeMessage() and classify() read the ${name} capture`, async (t: TestContext) => {
    const text = (await capture()).map(describe).join('\n')
    t.assert.fileSnapshot(text, join(fixtures, `${name}.txt`), { serializers: [(value) => value] })
  })

  test(`encodeMessage() keeps every field of the ${name} capture`, async () => {
    for (const { payload } of await capture()) {
      const message = decodeMessage(payload)
      assert.equal(formatSorted(encodeMessage(message, 1472)), formatSorted(payload))
    }
  })

  test(`decodeMessage() of ${name} cut at every byte succeeds or throws DecodeError`, async () => {
    for (const { payload } of await capture()) {
      for (let length = 0; length < payload.length; length++) {
        try {
          classify(decodeMessage(payload.subarray(0, length)))
        } catch (error) {
          assert.ok(error instanceof DecodeError, `${length} bytes: ${error}`)
        }
      }
    }
  })
}

/** The order of options is ours to choose. */
function formatSorted(packet: Uint8Array): string {
  const message = decodeMessage(packet)
  return formatMessage({ ...message, options: new Map([...message.options].sort(([a], [b]) => a - b)) })
}
