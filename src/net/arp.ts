import { type Ipv4, ipv4FromBytes, ipv4ToBytes } from '../bytes/ipv4.ts'
import { type Mac, macFromBytes, macToBytes } from '../bytes/mac.ts'

export const etherTypeArp = 0x0806
/** Ethernet's shortest frame: what ARP does not fill is zero. */
export const arpFrameBytes = 60

/** Ethernet, IPv4, six and four bytes (RFC 826). */
const ethernetForIpv4 = Uint8Array.of(0, 1, 8, 0, 6, 4)
const place = { arp: 14, operation: 20, senderMac: 22, senderAddress: 28, targetAddress: 38, end: 42 }

/** An ARP probe (RFC 5227 §1.1): its sender address is 0.0.0.0, so that nobody takes us for somebody new. */
export function encodeArpProbe(mac: Mac, address: Ipv4): Uint8Array {
  const frame = new Uint8Array(arpFrameBytes)
  frame.fill(0xff, 0, 6)
  frame.set(macToBytes(mac), 6)
  frame.set([etherTypeArp >> 8, etherTypeArp & 0xff], 12)
  frame.set(ethernetForIpv4, place.arp)
  frame[place.operation + 1] = 1
  frame.set(macToBytes(mac), place.senderMac)
  frame.set(ipv4ToBytes(address), place.targetAddress)
  return frame
}

/** Undefined for what is no ARP of IPv4 on Ethernet. */
export function decodeArpSender(frame: Uint8Array): { mac: Mac; address: Ipv4 } | undefined {
  const isForIpv4 = ethernetForIpv4.every((byte, index) => frame[place.arp + index] === byte)
  if (frame.length < place.end || !isForIpv4) return undefined
  const mac = macFromBytes(frame.subarray(place.senderMac, place.senderAddress))
  return { mac, address: ipv4FromBytes(frame, place.senderAddress) }
}
