import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { noClientRules } from '../../src/dhcp/client-settings.ts'
import { decide } from '../../src/dhcp/decide.ts'
import { encodeMessage } from '../../src/dhcp/message.ts'
import { netBootId } from '../../src/dhcp/net-boot.ts'
import { Option } from '../../src/dhcp/option.ts'
import { encodeText } from '../../src/dhcp/options.ts'
import { makeContext, makeRequest } from '../fixtures/dhcp-request.ts'

const run = promisify(execFile)

/** What Wireshark's dissector reads in the answer to a Mac's question. */
async function dissect(t: TestContext, question: Uint8Array): Promise<string> {
  const image = { name: 'The-Image', id: netBootId('osx', true, 0x89), bootFile: 'mactel64.efi' }
  const context = { ...makeContext(), rules: { ...noClientRules, netBoot: { priority: 0x8000, images: [image] } } }
  const options: [number, Uint8Array][] = [
    [Option.vendorClass, encodeText('AAPLBSDPC/i386/MacBookPro4,1')],
    [Option.vendorSpecific, question],
  ]
  const decision = decide(makeRequest(context, { type: 'inform', ciaddr: '10.9.0.77', options }), context)
  assert.equal(decision.kind, 'reply')
  if (decision.kind !== 'reply') return ''
  const directory = await mkdtemp(join(tmpdir(), 'net-boot-'))
  t.after(() => rm(directory, { recursive: true }))
  const bytes = Buffer.from(encodeMessage(decision.message, decision.maximumBytes))
  const [text, capture] = [join(directory, 'packet.txt'), join(directory, 'packet.pcap')]
  await writeFile(text, `000000 ${bytes.toString('hex').replaceAll(/../g, '$& ')}\n`)
  await run('text2pcap', ['-q', '-4', '10.9.0.1,10.9.0.77', '-u', '67,68', text, capture], { timeout: 30_000 })
  return (await run('tshark', ['-r', capture, '-V'], { timeout: 30_000 })).stdout
}

test("tshark's BSDP dissector reads the list of images and the one that was chosen", async (t) => {
  const list = await dissect(t, Uint8Array.of(1, 1, 1, 2, 2, 1, 1))
  assert.match(list, /Message Type: LIST/i)
  assert.match(list, /Server Priority: 32768/i)
  assert.match(list, /The-Image/)
  const chosen = await dissect(t, Uint8Array.of(1, 1, 2, 2, 2, 1, 1, 8, 4, 0x81, 0, 0, 0x89))
  assert.match(chosen, /Message Type: SELECT/i)
  assert.match(chosen, /Boot file name: mactel64\.efi/i)
  assert.doesNotMatch(list + chosen, /Malformed/)
})
