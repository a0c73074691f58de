import { crc32 } from 'node:zlib'
import type { Ipv4 } from '../bytes/ipv4.ts'
import type { Lease } from '../core/lease.ts'

/*
 * A lease as it stands in the journal, big-endian, padded with zeros to whole units:
 *
 *   0  u16  mark            8  u32  address               28  client, UTF-8
 *   2  u16  bytes in use   12  f64  grantedAt
 *   4  u32  CRC-32 of what follows, up to the bytes in use
 *                          20  f64  expiresAt
 *
 * A unit divides a sector, so a torn write leaves whole units, and reading goes on at the next one behind a damaged one.
 */
const mark = 0x4c45
const clientOffset = 28
export const unitBytes = 64
/** `id:` and a client identifier of 255 bytes in hexadecimal. */
const longestClientBytes = 3 + 2 * 255
export const longestRecordBytes = paddedBytes(clientOffset + longestClientBytes)

/** Writes the lease at `offset` of `into` and returns the record's padded size. `into` must have room for the longest. */
export function encodeLeaseRecord(lease: Lease, into: Buffer, offset: number): number {
  const usedBytes = clientOffset + into.write(lease.client, offset + clientOffset, longestClientBytes)
  const sizeBytes = paddedBytes(usedBytes)
  into.fill(0, offset + usedBytes, offset + sizeBytes)
  into.writeUInt16BE(mark, offset)
  into.writeUInt16BE(usedBytes, offset + 2)
  into.writeUInt32BE(lease.address, offset + 8)
  into.writeDoubleBE(lease.grantedAt, offset + 12)
  into.writeDoubleBE(lease.expiresAt, offset + 20)
  into.writeUInt32BE(crc32(into.subarray(offset + 8, offset + usedBytes)), offset + 4)
  return sizeBytes
}

/** The padded size of the record at `offset`; undefined where there is none, or a damaged one. */
export function leaseRecordBytes(bytes: Buffer, offset: number): number | undefined {
  if (bytes.length < offset + clientOffset || bytes.readUInt16BE(offset) !== mark) return undefined
  const usedBytes = bytes.readUInt16BE(offset + 2)
  const sizeBytes = paddedBytes(usedBytes)
  if (usedBytes < clientOffset || sizeBytes > longestRecordBytes || offset + sizeBytes > bytes.length) return undefined
  const isWhole = crc32(bytes.subarray(offset + 8, offset + usedBytes)) === bytes.readUInt32BE(offset + 4)
  return isWhole ? sizeBytes : undefined
}

/** The address of the record at `offset`, which leaseRecordBytes() has found whole. */
export function leaseRecordAddress(bytes: Buffer, offset: number): Ipv4 {
  return bytes.readUInt32BE(offset + 8) as Ipv4
}

/** The record at `offset`, which leaseRecordBytes() has found whole. */
export function decodeLeaseRecord(bytes: Buffer, offset: number): Lease {
  return {
    address: leaseRecordAddress(bytes, offset),
    client: bytes.toString('utf8', offset + clientOffset, offset + bytes.readUInt16BE(offset + 2)),
    grantedAt: bytes.readDoubleBE(offset + 12),
    expiresAt: bytes.readDoubleBE(offset + 20),
  }
}

function paddedBytes(usedBytes: number): number {
  return Math.ceil(usedBytes / unitBytes) * unitBytes
}
