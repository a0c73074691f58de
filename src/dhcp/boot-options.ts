import { formatIpv4 } from '../bytes/ipv4.ts'
import type { BootFileChoice } from './choose-boot-file.ts'
import type { DecideContext, Request } from './decision.ts'
import { netBootClientOf, netBootImagesFor } from './net-boot.ts'
import { encodeSelectedImage } from './net-boot-message.ts'
import { Option } from './option.ts'
import { decodeText, encodeText } from './options.ts'
import type { SubnetConfig } from './subnet-config.ts'

type Entries = [code: number, value: Uint8Array][]

/** iPXE's own option: sub-option 0xb0 = 1, "do not wait for a proxyDHCP server" (saves 2 s a boot). */
const noProxyDhcp = Uint8Array.of(0xb0, 1, 1)

/** Sub-options of option 43 for PXE clients (PXE 2.1, table 2-1). */
const PxeSubOption = { discoveryControl: 6, bootMenu: 9, menuPrompt: 10, bootItem: 71, end: 255 } as const

/** Bit 3: boot what this offer names, ask no boot server. */
const useThisBootFile = Uint8Array.of(PxeSubOption.discoveryControl, 1, 8, PxeSubOption.end)

/** A menu of one item, "Raspberry Pi Boot", shown for 0 s: what the board's boot ROM looks for. */
const raspberryPiMenu = Uint8Array.of(
  ...[PxeSubOption.discoveryControl, 1, 3],
  ...[PxeSubOption.menuPrompt, 4, 0, ...encodeText('PXE')],
  ...[PxeSubOption.bootMenu, 20, 0, 0, 17, ...encodeText('Raspberry Pi Boot')],
  PxeSubOption.end,
)

/** The boot file in options, and what the firmware needs beside it to take the offer. */
export function bootFileOptions({ classification }: Request, config: SubnetConfig, boot: BootFileChoice): Entries {
  if (boot.bootFile === undefined) return []
  const kind = classification.kind === 'firmware' ? classification.firmware.kind : undefined
  const server = formatIpv4(config.nextServer ?? config.serverAddress)
  if (kind === 'raspberry-pi') {
    // It ignores siaddr (raspberrypi/firmware#801) and takes a NUL in option 66 for part of the address.
    return [
      [Option.tftpServerName, encodeText(server)],
      [Option.bootFileName, encodeText(boot.bootFile)],
      [Option.vendorClass, encodeText('PXEClient')],
      [Option.vendorSpecific, raspberryPiMenu],
    ]
  }
  // One NUL behind both texts: EDK2 writes one past the end of option 67.
  const entries: Entries = [
    [Option.tftpServerName, encodeText(`${server}\0`)],
    [Option.bootFileName, encodeText(`${boot.bootFile}\0`)],
  ]
  if (boot.scriptOption) entries.push([boot.scriptOption.code, encodeText(boot.scriptOption.text)])
  if (kind === 'ipxe') entries.push([Option.etherboot, noProxyDhcp])
  // UEFI HTTP boot takes only an offer that repeats its class (UEFI specification, "HTTP Boot").
  if (kind === 'uefi-http') entries.push([Option.vendorClass, encodeText('HTTPClient')])
  return entries
}

/** Options from here on are free to use at a site, and some loaders read them (209 and 210, RFC 5071). */
const firstSiteOption = 128

/** What makes an answer without an address one that PXE clients join to their DHCP server's. */
export function bootServerOptions({ message, source, classification }: Request, config: SubnetConfig): Entries {
  const isHttp = decodeText(message.options, Option.vendorClass)?.startsWith('HTTPClient') ?? false
  const entries: Entries = [[Option.vendorClass, encodeText(isHttp ? 'HTTPClient' : 'PXEClient')]]
  const isRaspberryPi = classification.kind === 'firmware' && classification.firmware.kind === 'raspberry-pi'
  const item = source.localPort === 4011 ? bootItem(message.options.get(Option.vendorSpecific)) : undefined
  if (item) entries.push([Option.vendorSpecific, item])
  else if (!isHttp && !isRaspberryPi && source.localPort === 67) entries.push([Option.vendorSpecific, useThisBootFile])
  for (const entry of config.options ?? []) if (entry[0] >= firstSiteOption) entries.push(entry)
  return entries
}

/** The menu item a client chose (sub-option 71), as it goes back to it; undefined when it names none. */
function bootItem(field: Uint8Array | undefined): Uint8Array | undefined {
  if (!field) return undefined
  for (let at = 0; at + 2 <= field.length && field[at] !== PxeSubOption.end; at += 2 + field[at + 1]!) {
    if (field[at] !== PxeSubOption.bootItem) continue
    return Uint8Array.of(...field.subarray(at, at + 2 + field[at + 1]!), PxeSubOption.end)
  }
  return undefined
}

/** What an OFFER or ACK says to a Mac beside its address, so that it knows that a NetBoot server is there. */
export function netBootOptions(request: Request, { rules: { netBoot } }: DecideContext): Entries {
  const client = netBoot && netBootClientOf(request)
  const [image] = client ? netBootImagesFor(netBoot, client) : []
  if (!image) return []
  return [
    [Option.vendorClass, encodeText('AAPLBSDPC')],
    [Option.vendorSpecific, encodeSelectedImage(image.id)],
  ]
}
