import { ByteReader } from '../../bytes/byte-reader.ts'
import { DecodeError } from '../../bytes/decode-error.ts'
import { formatHex } from '../../bytes/hex.ts'
import type { Neighbour } from '../../core/inventory.ts'
import { oneLine } from '../../core/one-line.ts'
import { formatNetworkAddress } from './network-address.ts'

export const cdpGroup = '01:00:0c:cc:cc:cc'
/** IEEE 802.2 SNAP with Cisco's organization (00-00-0C) and protocol 0x2000. */
const snapHeader = 'aaaa0300000c2000'

/** Cisco Discovery Protocol, as Wireshark's packet-cdp.c and Cisco's documents name its parts. */
const Tlv = { device: 1, addresses: 2, port: 3, nativeVlan: 10, managementAddresses: 22 } as const
const ipv4Nlpid = 'cc'
const longestText = 255

/**
 * What stands behind the length of an IEEE 802.3 frame. Undefined where that is not CDP, or its sender says that it is going away.
 * Throws DecodeError where it is CDP and a part is cut off.
 */
export function decodeCdp(bytes: Uint8Array): Neighbour | undefined {
  if (formatHex(bytes.subarray(0, 8)) !== snapHeader) return undefined
  const reader = new ByteReader(bytes, 'CDP', 8)
  reader.skip(1) // version
  const timeToLive = reader.u8()
  reader.skip(2) // check sum
  const neighbour: Neighbour = { protocol: 'cdp' }
  while (reader.remaining >= 4) {
    const at = reader.offset
    const type = reader.u16()
    const sizeBytes = reader.u16()
    if (sizeBytes < 4) throw new DecodeError('CDP', `a part of ${sizeBytes} bytes`, at)
    readPart(neighbour, type, reader.take(sizeBytes - 4))
  }
  return timeToLive === 0 ? undefined : neighbour
}

function readPart(neighbour: Neighbour, type: number, value: Uint8Array): void {
  const text = oneLine(new TextDecoder().decode(value), longestText)
  if (type === Tlv.device && text) neighbour.system = text
  else if (type === Tlv.port && text) neighbour.port = text
  else if (type === Tlv.nativeVlan && value.length === 2) neighbour.vlan = (value[0]! << 8) | value[1]!
  else if (type === Tlv.addresses || type === Tlv.managementAddresses) {
    const address = firstIpv4(value)
    if (address !== undefined && (type === Tlv.managementAddresses || !neighbour.managementAddress)) {
      neighbour.managementAddress = address
    }
  }
}

/** A count, then for each: the protocol's type, its length and itself, the address's length and itself. */
function firstIpv4(value: Uint8Array): string | undefined {
  const reader = new ByteReader(value, 'CDP addresses')
  for (let left = reader.u32(); left > 0 && reader.remaining > 0; left--) {
    reader.skip(1)
    const protocol = formatHex(reader.take(reader.u8()))
    const address = reader.take(reader.u16())
    if (protocol === ipv4Nlpid) return formatNetworkAddress(1, address)
  }
  return undefined
}
