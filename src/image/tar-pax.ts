import { DecodeError } from '../bytes/decode-error.ts'
import { decodeFileName } from './file-name.ts'
import type { SparseExtent } from './tar-header.ts'

/** Records of a pax extended header, as bytes: attribute values are binary. Later ones win. */
export type PaxRecords = Map<string, Buffer> & { sparseExtents?: SparseExtent[] }

const what = 'pax header'

/**
 * "LENGTH KEY=VALUE\n" again and again (POSIX.1-2017 pax, "pax Extended Header"). GNU's sparse format 0.0 repeats two keys, so that
 * their order matters: they are collected apart. Throws DecodeError.
 */
export function decodePax(bytes: Buffer, position: number): PaxRecords {
  const records: PaxRecords = new Map()
  const fail = (at: number, reason: string) => new DecodeError(what, reason, position + at)
  for (let at = 0; at < bytes.length && bytes[at] !== 0; ) {
    const space = bytes.indexOf(32, at)
    const digits = bytes.toString('latin1', at, Math.max(at, Math.min(space, at + 20)))
    const length = Number(digits)
    if (!/^\d+$/.test(digits) || at + length > bytes.length) throw fail(at, 'a record has no valid length')
    const end = at + length
    const equals = bytes.indexOf(61, space)
    if (equals < 0 || equals >= end || bytes[end - 1] !== 10) throw fail(at, 'a record is not KEY=VALUE and a line end')
    const key = decodeFileName(bytes.subarray(space + 1, equals)) // an attribute's name is bytes
    const value = bytes.subarray(equals + 1, end - 1)
    if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes') addSparse(records, key, value, position + at)
    else records.set(key, value)
    at = end
  }
  return records
}

/** Decimal digits of a record; undefined where there is none of this name. Throws DecodeError. */
export function paxInteger(records: PaxRecords, key: string): number | undefined {
  const value = records.get(key)
  return value && decimal(value.toString('latin1'), key)
}

/** Seconds with a fraction of any length, rounded down to nanoseconds. Throws DecodeError. */
export function paxTime(records: PaxRecords, key: string): { seconds: number; nanoseconds: number } | undefined {
  const text = records.get(key)?.toString('latin1')
  if (text === undefined) return undefined
  const [, sign, whole, fraction = ''] = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(text) ?? []
  if (whole === undefined) throw new DecodeError(what, `${key} ${JSON.stringify(text)} is no time`)
  const digits = fraction.slice(0, 9).padEnd(9, '0')
  if (!sign) return { seconds: Number(whole), nanoseconds: Number(digits) }
  const inexact = /[1-9]/.test(fraction.slice(9)) ? 1n : 0n
  const total = -(BigInt(whole) * 1_000_000_000n + BigInt(digits) + inexact)
  const nanoseconds = ((total % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
  return { seconds: Number((total - nanoseconds) / 1_000_000_000n), nanoseconds: Number(nanoseconds) }
}

/** GNU.sparse.map of format 0.1: "OFFSET,LENGTH,OFFSET,LENGTH…". Throws DecodeError. */
export function paxSparseMap(records: PaxRecords): SparseExtent[] | undefined {
  const map = records.get('GNU.sparse.map')?.toString('latin1')
  if (map === undefined) return records.sparseExtents
  return pairUp(map === '' ? [] : map.split(',').map((number) => decimal(number, 'GNU.sparse.map')))
}

/** Pairs of numbers as extents. Throws DecodeError. */
export function pairUp(numbers: readonly number[]): SparseExtent[] {
  if (numbers.length % 2 !== 0) throw new DecodeError(what, 'a sparse map has an offset without a length')
  const extents: SparseExtent[] = []
  for (let at = 0; at < numbers.length; at += 2) extents.push({ offset: numbers[at]!, length: numbers[at + 1]! })
  return extents
}

export function decimal(text: string, key: string): number {
  const number = Number(text)
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(number)) {
    throw new DecodeError(what, `${key} ${JSON.stringify(text.slice(0, 40))} is no whole number`)
  }
  return number
}

function addSparse(records: PaxRecords, key: string, value: Buffer, position: number): void {
  records.sparseExtents ??= []
  const number = decimal(value.toString('latin1'), key)
  if (key === 'GNU.sparse.offset') {
    records.sparseExtents.push({ offset: number, length: 0 })
    return
  }
  const last = records.sparseExtents.at(-1)
  if (!last) throw new DecodeError(what, 'GNU.sparse.numbytes stands before an offset', position)
  last.length = number
}
