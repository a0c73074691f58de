import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeContext, makeRequest, stranger } from '../../test/fixtures/dhcp-request.ts'
import { parseIpv4 } from '../bytes/ipv4.ts'
import { formatMacHyphen } from '../bytes/mac.ts'
import { decide } from './decide.ts'
import { Option } from './option.ts'
import { decodeText, encodeText, encodeU16 } from './options.ts'
import { scriptUrls } from './script-url.ts'

const origin = 'http://10.9.0.1:4280'
const scriptUrl = scriptUrls(origin, { key: new Uint8Array(32), lifetimeSeconds: 600 })
const mac = formatMacHyphen(stranger)

function ask(architecture: number) {
  const options: [number, Uint8Array][] = [
    [Option.vendorClass, encodeText('PXEClient')],
    [Option.clientArchitecture, encodeU16(architecture)],
  ]
  return makeRequest(makeContext(), { options })
}

test('scriptUrls() names the architecture where the ramdisk is not that of a PC', () => {
  const url = (architecture: number) => scriptUrl(ask(architecture), parseIpv4('10.9.0.128'), 'grub')
  for (const pc of [0, 6, 7, 16]) assert.ok(url(pc).startsWith(`${origin}/boot.grub?mac=${mac}&token=`), url(pc))
  for (const arm64 of [11, 19]) assert.ok(url(arm64).startsWith(`${origin}/boot.grub?mac=${mac}&arch=arm64&token=`))
})

test('decide() gives UEFI on ARM64 GRUB, over PXE and HTTP, and its script in option 18', () => {
  const answer = (architecture: number) => {
    const decision = decide(ask(architecture), { ...makeContext(), scriptUrl })
    assert.ok(decision.kind === 'reply')
    return decision
  }
  assert.equal(answer(11).bootFile, 'grub/core-arm64.efi')
  assert.equal(answer(19).bootFile, `${origin}/grub/core-arm64.efi`)
  const script = decodeText(answer(11).message.options, Option.extensionsPath)
  assert.match(script ?? '', new RegExp(`^\\(http,10\\.9\\.0\\.1:4280\\)/boot\\.grub\\?mac=${mac}&arch=arm64&token=`))
})
