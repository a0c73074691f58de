import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { fromBroadcast, makeContext } from '../../test/fixtures/dhcp-request.ts'
import { readPcap } from '../../test/fixtures/read-pcap.ts'
import { formatIpv4, parseIpv4, parseSubnet } from '../bytes/ipv4.ts'
import type { LoaderName } from '../core/loader.ts'
import { decide } from './decide.ts'
import type { DecideContext } from './decision.ts'
import { identify } from './identify.ts'
import { decodeMessage, encodeMessage } from './message.ts'
import { Option } from './option.ts'
import { decodeText } from './options.ts'

const fixtures = join(import.meta.dirname, '../../test/fixtures/dhcp')

/** What clients of the bridge and of the rack were captured with. */
const bridge = { server: '10.9.0.1', subnet: '10.9.0.0/24' }
const rack = { server: '10.77.0.1', subnet: '10.77.0.0/24' }
const http = (place: typeof bridge, path: string) => `http://${place.server}:4280/${path}`

type Row = [capture: string, loader: LoaderName, place: typeof bridge, answer: string]

const rows: Row[] = [
  ['udhcpc', 'ipxe', bridge, 'no file'],
  ['dhclient', 'ipxe', bridge, 'no file'],
  ['systemd-networkd', 'shim', rack, 'no file'],
  ['ipxe-rom-bios', 'ipxe', bridge, `${http(bridge, 'boot.ipxe?token=T')}, 175`],
  ['ipxe-rom-bios', 'grub', bridge, 'grub/core.0, 18 (http,10.9.0.1:4280)/boot.grub?token=T, 175'],
  ['ipxe-rom-bios', 'pxelinux', bridge, `pxelinux/lpxelinux.0, 209 ${http(bridge, 'boot.pxelinux?token=T')}, 175`],
  ['ipxe-rom-bios', 'shim', bridge, `${http(bridge, 'boot.ipxe?token=T')}, 175`],
  ['ipxe-snponly', 'ipxe', rack, `${http(rack, 'boot.ipxe?token=T')}, 175`],
  ['ovmf-pxe', 'ipxe', bridge, 'ipxe/snponly.efi'],
  ['ovmf-pxe', 'grub', bridge, 'grub/core-x64.efi, 18 (http,10.9.0.1:4280)/boot.grub?token=T'],
  ['ovmf-pxe', 'pxelinux', bridge, 'ipxe/snponly.efi'],
  ['ovmf-pxe', 'shim', bridge, 'shim/shimx64.efi, 18 (tftp,10.9.0.1)/boot.shim?token=T'],
  ['ovmf-secure-pxe', 'shim', rack, 'shim/shimx64.efi, 18 (tftp,10.77.0.1)/boot.shim?token=T'],
  ['ovmf-http', 'ipxe', bridge, `${http(bridge, 'ipxe/snponly.efi')}, 60 HTTPClient`],
  ['ovmf-http', 'grub', bridge, `${http(bridge, 'ipxe/snponly.efi')}, 60 HTTPClient`],
  ['ovmf-http', 'shim', bridge, 'no file'],
]

for (const [capture, loader, place, expected] of rows) {
  test(`decide() answers every request of ${capture} with ${loader} as the loader`, async () => {
    const context = contextAt(place, loader)
    const datagrams = await readPcap(join(fixtures, `${capture}.pcap`))
    const answers = datagrams
      .filter(({ destinationPort }) => destinationPort === 67)
      .map(({ payload }) => answerTo(payload, context))
      .filter((answer) => answer !== undefined)
    assert.ok(answers.length >= 2, 'at least a DISCOVER and a REQUEST are answered')
    assert.deepEqual([...new Set(answers)], [expected])
  })
}

function contextAt({ server, subnet }: typeof bridge, loader: LoaderName): DecideContext {
  const serverAddress = parseIpv4(server)
  return {
    ...makeContext({
      machines: [],
      overrides: { serverAddress, subnet: parseSubnet(subnet), pools: poolOf(subnet), loader },
    }),
    ownAddresses: [serverAddress],
    scriptUrl: (_request, _address, asked = 'ipxe') => `http://${server}:4280/boot.${asked}?token=T`,
  }
}

function poolOf(subnet: string) {
  const network = subnet.replace(/\.0\/24$/, '')
  return [{ first: parseIpv4(`${network}.2`), last: parseIpv4(`${network}.254`) }]
}

/**
 * What the reply names on the wire; undefined where there is none, as for a RELEASE. Header and options must say the
 * same, and the next server must be us, because firmware reads the one or the other.
 */
function answerTo(packet: Uint8Array, context: DecideContext): string | undefined {
  const message = decodeMessage(packet)
  const request = identify(message, fromBroadcast, context.directory)
  assert.ok(request)
  const decision = decide(request, context)
  if (decision.kind === 'ignore') return undefined
  const { file, siaddr, options } = decodeMessage(encodeMessage(decision.message, decision.maximumBytes))
  const text = (code: number) => decodeText(options, code)?.replace(/\0$/, '')
  if (file === '') {
    assert.equal(text(Option.bootFileName), undefined)
    return 'no file'
  }
  const us = formatIpv4(context.config.serverAddress)
  assert.deepEqual([text(Option.bootFileName), text(Option.tftpServerName), formatIpv4(siaddr)], [file, us, us])
  assert.ok(!options.has(Option.vendorSpecific), 'an authoritative answer has neither 60 nor 43 for PXE')
  const shown = [Option.extensionsPath, Option.configurationFile, Option.vendorClass]
  const extras = shown.filter((code) => options.has(code)).map((code) => `${code} ${text(code)}`)
  return [file, ...extras, ...(options.has(Option.etherboot) ? [Option.etherboot] : [])].join(', ')
}
