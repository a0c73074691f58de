import { type Ipv4, ipv4ToBytes } from '../bytes/ipv4.ts'
import { type Mac, macToBytes } from '../bytes/mac.ts'
import { architectureTable } from './architecture.ts'
import { broadcastFlag, encodeMessage } from './message.ts'
import { MessageType } from './message-type.ts'
import { Option } from './option.ts'
import { encodeText, encodeU8, encodeU16, type Options } from './options.ts'

/** A client that somebody asks about. */
export type ClientPacket = {
  mac: Mac
  type: keyof typeof MessageType | 'bootp'
  /** Option 93's number; left out, it is an operating system. */
  architecture?: number
  vendorClass?: string
  isIpxe: boolean
  xid?: number
  /** Option 97: 16 bytes, as SMBIOS has them. */
  uuid?: Uint8Array
  /** It wants its answers sent to everybody. */
  wantsBroadcast?: boolean
  giaddr?: Ipv4
  ciaddr?: Ipv4
  /** Option 50. */
  requested?: Ipv4
  /** Option 54. */
  server?: Ipv4
  /** Option 55: the codes it asks for; left out, it does not say. */
  parameters?: readonly number[]
}

/** Features iPXE lists in option 175: HTTP. */
const ipxeFeatures = Uint8Array.of(0x13, 1, 1)

/** The packet such a client sends, as firmware and iPXE fill it in. */
export function makeClientPacket(client: ClientPacket): Uint8Array {
  const { mac, type, architecture, isIpxe, wantsBroadcast = false, giaddr, ciaddr, requested, server } = client
  const options: Options = new Map()
  if (type !== 'bootp') options.set(Option.messageType, encodeU8(MessageType[type]))
  if (server !== undefined) options.set(Option.serverIdentifier, ipv4ToBytes(server))
  if (requested !== undefined) options.set(Option.requestedAddress, ipv4ToBytes(requested))
  const vendorClass = client.vendorClass ?? usualVendorClass(architecture)
  if (client.parameters) options.set(Option.parameterRequestList, Uint8Array.from(client.parameters))
  if (vendorClass !== undefined) options.set(Option.vendorClass, encodeText(vendorClass))
  if (architecture !== undefined) options.set(Option.clientArchitecture, encodeU16(architecture))
  if (client.uuid) options.set(Option.clientMachineIdentifier, Uint8Array.of(0, ...client.uuid))
  if (isIpxe) {
    options.set(Option.userClass, encodeText('iPXE'))
    options.set(Option.etherboot, ipxeFeatures)
  }
  const none = 0 as Ipv4
  return encodeMessage({
    ...{ op: 1, htype: 1, hops: giaddr === undefined ? 0 : 1, xid: client.xid ?? 0, secs: 0 },
    ...{ flags: wantsBroadcast ? broadcastFlag : 0, chaddr: macToBytes(mac) },
    ...{ ciaddr: ciaddr ?? none, yiaddr: none, siaddr: none, giaddr: giaddr ?? none, sname: '', file: '', options },
  })
}

function usualVendorClass(architecture: number | undefined): string | undefined {
  if (architecture === undefined) return undefined
  const client = architectureTable.get(architecture)?.over === 'http' ? 'HTTPClient' : 'PXEClient'
  return `${client}:Arch:${String(architecture).padStart(5, '0')}:UNDI:003000`
}
