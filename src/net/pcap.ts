import { DecodeError } from '../bytes/decode-error.ts'
import { formatIpv4, ipv4FromBytes } from '../bytes/ipv4.ts'

/** A UDP datagram of a capture; addresses are dotted, `payload` is a view. */
export type CapturedDatagram = {
  /** Seconds since the epoch. */
  at: number
  source: string
  sourcePort: number
  destination: string
  destinationPort: number
  payload: Uint8Array
}

const fileHeaderBytes = 24
const recordHeaderBytes = 16
const linkEthernet = 1
const etherTypeIpv4 = 0x0800
const etherTypeVlan = 0x8100
const protocolUdp = 17

/**
 * The unfragmented UDP datagrams of a little-endian, microsecond pcap stream of Ethernet frames, as tcpdump -w writes
 * it. Throws DecodeError when it is another stream.
 */
export async function* readPcap(stream: AsyncIterable<Uint8Array>): AsyncGenerator<CapturedDatagram> {
  let bytes = Buffer.alloc(0)
  let hasHeader = false
  for await (const piece of stream) {
    bytes = Buffer.concat([bytes, piece])
    if (!hasHeader) {
      if (bytes.length < fileHeaderBytes) continue
      checkHeader(bytes)
      bytes = bytes.subarray(fileHeaderBytes)
      hasHeader = true
    }
    while (bytes.length >= recordHeaderBytes) {
      const end = recordHeaderBytes + bytes.readUInt32LE(8)
      if (bytes.length < end) break
      const at = bytes.readUInt32LE(0) + bytes.readUInt32LE(4) / 1e6
      const datagram = decodeFrame(bytes.subarray(recordHeaderBytes, end))
      if (datagram) yield { at, ...datagram }
      bytes = bytes.subarray(end)
    }
  }
}

function checkHeader(bytes: Buffer): void {
  if (bytes.readUInt32LE(0) !== 0xa1b2c3d4) throw new DecodeError('capture', 'it is no pcap stream of this machine', 0)
  if (bytes.readUInt32LE(20) !== linkEthernet) throw new DecodeError('capture', 'its frames are not of Ethernet', 20)
}

/** Undefined for everything that is not one whole UDP datagram over IPv4. */
export function decodeFrame(frame: Buffer): Omit<CapturedDatagram, 'at'> | undefined {
  let at = 12
  while (frame.length >= at + 2 && frame.readUInt16BE(at) === etherTypeVlan) at += 4
  if (frame.length < at + 22 || frame.readUInt16BE(at) !== etherTypeIpv4) return undefined
  const packet = frame.subarray(at + 2)
  const isFragment = (packet.readUInt16BE(6) & 0x3fff) !== 0
  if (packet[9] !== protocolUdp || isFragment) return undefined
  const udp = packet.subarray((packet[0]! & 15) * 4)
  if (udp.length < 8) return undefined
  return {
    source: formatIpv4(ipv4FromBytes(packet, 12)),
    sourcePort: udp.readUInt16BE(0),
    destination: formatIpv4(ipv4FromBytes(packet, 16)),
    destinationPort: udp.readUInt16BE(2),
    payload: udp.subarray(8, Math.max(8, udp.readUInt16BE(4))),
  }
}
