import type { ByteWriter } from '../bytes/byte-writer.ts'
import { DecodeError } from '../bytes/decode-error.ts'
import { type Ipv4, ipv4FromBytes, ipv4ToBytes } from '../bytes/ipv4.ts'
import { Option, splitOptions } from './option.ts'

/** Values by option code, repeats joined (RFC 3396). Values are views into the packet they were read from. */
export type Options = Map<number, Uint8Array>

/**
 * Reads one field of options (the `options`, `file` or `sname` field) into `into`. A code that comes again is joined to
 * what is there (RFC 3396 §7). Reads to END or the field's end; a length that leads out of the field throws DecodeError.
 */
export function readOptions(field: Uint8Array, into: Options, fieldOffset = 0): void {
  let at = 0
  while (at < field.length) {
    const code = field[at++]!
    if (code === Option.pad) continue
    if (code === Option.end) return
    const length = field[at]
    if (length === undefined || at + 1 + length > field.length) {
      throw new DecodeError(`DHCP option ${code}`, 'its length leads out of the field', fieldOffset + at)
    }
    const value = field.subarray(at + 1, at + 1 + length)
    const before = into.get(code)
    into.set(code, before ? Buffer.concat([before, value]) : value)
    at += 1 + length
  }
}

/** 53, 54 and 51 first, relay agent information last (RFC 3046 §2.1), the rest as they were put. */
export function orderOptions(options: Options): [code: number, value: Uint8Array][] {
  const entries = [...options]
  // Our own replies are made in this order.
  const isOrdered = entries.every(([code], index) => index === 0 || rank(entries[index - 1]![0]) <= rank(code))
  return isOrdered ? entries : entries.sort(([a], [b]) => rank(a) - rank(b))
}

function rank(code: number): number {
  if (code === Option.messageType) return 0
  if (code === Option.serverIdentifier) return 1
  if (code === Option.leaseSeconds) return 2
  return code === Option.relayAgentInformation ? 4 : 3
}

/** Bytes the option takes on the wire, part headers included. */
export function optionSizeBytes(value: Uint8Array): number {
  return value.length + 2 * Math.max(1, Math.ceil(value.length / 255))
}

/** An option that cannot go on the wire: a fault of the caller. */
export class OptionTooLong extends Error {
  override readonly name = 'OptionTooLong'
  readonly code: number

  constructor(code: number, lengthBytes: number) {
    super(`Cannot send DHCP option ${code}: ${lengthBytes} bytes is more than 255, and clients do not join its parts`)
    this.code = code
  }
}

/** Writes one option, in parts of 255 bytes where the option allows it. Throws OptionTooLong. */
export function writeOption(writer: ByteWriter, code: number, value: Uint8Array): void {
  if (value.length <= 255) {
    writer.u8(code)
    writer.u8(value.length)
    writer.put(value)
    return
  }
  if (!splitOptions.has(code)) throw new OptionTooLong(code, value.length)
  let at = 0
  do {
    const part = value.subarray(at, at + 255)
    writer.u8(code)
    writer.u8(part.length)
    writer.put(part)
    at += part.length
  } while (at < value.length)
}

export function encodeU8(value: number): Uint8Array {
  return Uint8Array.of(value)
}

export function encodeU16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value)
}

export function encodeU32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
}

export function encodeIpv4List(addresses: readonly Ipv4[]): Uint8Array {
  return Buffer.concat(addresses.map(ipv4ToBytes))
}

/** Latin-1, so that every byte stays what it is. */
export function encodeText(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}

/** Undefined when absent; a value of another length throws DecodeError. */
export function decodeU8(options: Options, code: number): number | undefined {
  return fixed(options, code, 1)?.[0]
}

/** Undefined when absent; a value of another length throws DecodeError. */
export function decodeU16(options: Options, code: number): number | undefined {
  const value = fixed(options, code, 2)
  return value && (value[0]! << 8) | value[1]!
}

/** Undefined when absent; a value of another length throws DecodeError. */
export function decodeIpv4(options: Options, code: number): Ipv4 | undefined {
  const value = fixed(options, code, 4)
  return value && ipv4FromBytes(value)
}

/** Undefined when absent; Latin-1, NULs at the end removed, anything else left as the client sent it. */
export function decodeText(options: Options, code: number): string | undefined {
  const value = options.get(code)
  return value && Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1').replace(/\0+$/, '')
}

/** Undefined when absent; an odd number of bytes throws DecodeError. */
export function decodeU16List(options: Options, code: number): number[] | undefined {
  const value = options.get(code)
  if (!value) return undefined
  if (value.length % 2) throw new DecodeError(`DHCP option ${code}`, `${value.length} bytes are not a list of pairs`)
  return Array.from({ length: value.length / 2 }, (_, index) => (value[2 * index]! << 8) | value[2 * index + 1]!)
}

function fixed(options: Options, code: number, lengthBytes: number): Uint8Array | undefined {
  const value = options.get(code)
  if (value && value.length !== lengthBytes) {
    throw new DecodeError(`DHCP option ${code}`, `it has ${value.length} bytes, not ${lengthBytes}`)
  }
  return value
}
