import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeContext, makeRequest, web1 } from '../../test/fixtures/dhcp-request.ts'
import { parseIpv4 } from '../bytes/ipv4.ts'
import type { BootRecord } from '../core/machine.ts'
import { chooseBootFile } from './choose-boot-file.ts'
import { Option } from './option.ts'
import { encodeText, encodeU16 } from './options.ts'

const address = parseIpv4('10.9.0.20')
const bios: [number, Uint8Array][] = [
  [Option.vendorClass, encodeText('PXEClient:Arch:00000:UNDI:002001')],
  [Option.clientArchitecture, encodeU16(0)],
]
const ipxe: [number, Uint8Array][] = [
  ...bios,
  [Option.userClass, encodeText('iPXE')],
  [Option.etherboot, Uint8Array.of(0x13, 1, 1)],
]
const http: [number, Uint8Array][] = [
  [Option.vendorClass, encodeText('HTTPClient:Arch:00016:UNDI:003000')],
  [Option.clientArchitecture, encodeU16(16)],
]

type Row = [criterion: string, intent: BootRecord['intent'] | undefined, options: typeof bios, bootFile: RegExp]
const local = { kind: 'local', revision: 3 } as const
const rows: Row[] = [
  ['a machine that boots its disk', local, bios, /^old\/pxelinux\.0$/],
  ['a machine nobody knows', undefined, bios, /^old\/pxelinux\.0$/],
  ['a machine that was only noticed', { kind: 'discover', revision: 0 }, bios, /^old\/pxelinux\.0$/],
  ['iPXE in a ROM', local, ipxe, /^old\/pxelinux\.0$/],
  ['UEFI HTTP boot, by its URL', local, http, /^http:\/\/10\.9\.0\.1:4280\/old\/pxelinux\.0$/],
  ['not a machine with a deployment', { kind: 'deploy', revision: 4, deploymentId: 'd' }, bios, /^ipxe\/undionly/],
  ['not its iPXE either', { kind: 'deploy', revision: 4, deploymentId: 'd' }, ipxe, /boot\.ipxe\?mac/],
  ['not a machine that is to be looked into', { kind: 'discover', revision: 4 }, bios, /^ipxe\/undionly/],
]

for (const [criterion, intent, options, bootFile] of rows) {
  test(`chooseBootFile() gives what is made by hand to ${criterion}`, () => {
    const machines = intent ? [{ ...web1, intent }] : []
    const context = makeContext({ machines, overrides: { handMade: 'old/pxelinux.0' } })
    const request = makeRequest(context, { mac: web1.macs[0]!, options })
    assert.match(chooseBootFile(request, context, address).bootFile ?? '', bootFile)
  })
}

test('chooseBootFile() offers nothing where what is made by hand is not there, and says so', () => {
  const context = { ...makeContext({ overrides: { handMade: 'old/pxelinux.0' } }), hasLoader: () => false }
  const choice = chooseBootFile(makeRequest(context, { mac: web1.macs[0]!, options: bios }), context, address)
  assert.equal(choice.bootFile, undefined)
  assert.match(choice.because, /nothing is ordered for it, .* but old\/pxelinux\.0 is not here$/)
})
