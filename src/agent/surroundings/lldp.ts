import { ByteReader } from '../../bytes/byte-reader.ts'
import { DecodeError } from '../../bytes/decode-error.ts'
import { formatHex } from '../../bytes/hex.ts'
import type { Neighbour } from '../../core/inventory.ts'
import { oneLine } from '../../core/one-line.ts'
import { formatNetworkAddress } from './network-address.ts'

/** IEEE 802.1AB-2016 §7.1: nearest bridge, nearest non-TPMR bridge, nearest customer bridge. None passes a switch. */
export const lldpGroups = ['01:80:c2:00:00:0e', '01:80:c2:00:00:03', '01:80:c2:00:00:00'] as const
export const lldpEtherType = 0x88cc

/** IEEE 802.1AB-2016 §8.4, table 8-1. */
const Tlv = {
  end: 0,
  chassis: 1,
  port: 2,
  timeToLive: 3,
  portDescription: 4,
  systemName: 5,
  managementAddress: 8,
  organization: 127,
} as const

/** How an identifier is written (tables 8-2 and 8-3): the numbers differ for chassis and ports. */
const chassisForms = { mac: 4, address: 5 } as const
const portForms = { mac: 3, address: 4 } as const

/** IEEE 802.1Q-2018 annex D.2.1, by the organization 00-80-C2: the port's own VLAN, 0 where it has none. */
const portVlan = '0080c201'

const longestText = 255

/**
 * One LLDPDU, which begins behind the EtherType. Gives what the sender says of itself; undefined where it says that it is going
 * away (time to live 0). Throws DecodeError where one of the three first parts is not there or a part is cut off.
 */
export function decodeLldp(bytes: Uint8Array): Neighbour | undefined {
  const reader = new ByteReader(bytes, 'LLDP')
  const chassis = formatId(expect(reader, Tlv.chassis), chassisForms)
  const port = formatId(expect(reader, Tlv.port), portForms)
  const timeToLive = new ByteReader(expect(reader, Tlv.timeToLive), 'LLDP time to live').u16()
  const neighbour: Neighbour = { protocol: 'lldp', ...(chassis && { chassis }), ...(port && { port }) }
  // The end is a part of its own, but what follows a frame's last part may be padding, or be cut off with it.
  while (reader.remaining >= 2) {
    const { type, value } = nextTlv(reader)
    if (type === Tlv.end) break
    readOptional(neighbour, type, value)
  }
  return timeToLive === 0 ? undefined : neighbour
}

function expect(reader: ByteReader, wanted: number): Uint8Array {
  const at = reader.offset
  const { type, value } = nextTlv(reader)
  if (type !== wanted) throw new DecodeError('LLDP', `part ${type} where ${wanted} has to be`, at)
  return value
}

/** §8.4.1: seven bits of type, nine of length. */
function nextTlv(reader: ByteReader): { type: number; value: Uint8Array } {
  const head = reader.u16()
  return { type: head >> 9, value: reader.take(head & 0x1ff) }
}

function readOptional(neighbour: Neighbour, type: number, value: Uint8Array): void {
  const text = readText(value)
  if (type === Tlv.portDescription && text) neighbour.portDescription = text
  else if (type === Tlv.systemName && text) neighbour.system = text
  else if (type === Tlv.managementAddress) {
    const address = readManagementAddress(value)
    // A switch may tell several; the first is the one it wants to be found by.
    if (address !== undefined) neighbour.managementAddress ??= address
  } else if (type === Tlv.organization && value.length === 6 && formatHex(value.subarray(0, 4)) === portVlan) {
    const vlan = (value[4]! << 8) | value[5]!
    if (vlan !== 0) neighbour.vlan = vlan
  }
}

/** §8.5.2 and §8.5.3: a byte that says how the rest is meant, then at least one byte. */
function formatId(value: Uint8Array, forms: { mac: number; address: number }): string | undefined {
  const [form] = value
  const id = value.subarray(1)
  if (form === undefined || id.length === 0) throw new DecodeError('LLDP', 'an identifier with nothing in it')
  if (form === forms.mac && id.length === 6) return formatHex(id, ':')
  if (form === forms.address) return formatNetworkAddress(id[0]!, id.subarray(1)) ?? formatHex(id, ':')
  return readText(id)
}

/** §8.5.9: its length with the family's byte, the family, the address; what follows is for SNMP. */
function readManagementAddress(value: Uint8Array): string | undefined {
  const reader = new ByteReader(value, 'LLDP management address')
  const sizeBytes = reader.u8()
  if (sizeBytes < 2) return undefined
  const [family, ...address] = reader.take(sizeBytes)
  return formatNetworkAddress(family!, Uint8Array.from(address))
}

/** What is no text is shown as hexadecimal digits. */
function readText(value: Uint8Array): string | undefined {
  const bytes = value.at(-1) === 0 ? value.subarray(0, -1) : value
  const text = oneLine(new TextDecoder().decode(bytes), longestText)
  return text === '' && bytes.length > 0 ? formatHex(bytes.subarray(0, 32), ':') : text || undefined
}
