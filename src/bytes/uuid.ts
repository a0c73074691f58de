import { DecodeError } from './decode-error.ts'
import { formatHex, parseHex } from './hex.ts'

declare const uuidBrand: unique symbol
/** RFC 9562 text form, lower case. */
export type Uuid = string & { readonly [uuidBrand]: true }

const form = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Either case. Throws DecodeError. */
export function parseUuid(text: string): Uuid {
  const lower = text.toLowerCase()
  if (!form.test(lower)) throw new DecodeError('UUID', `"${text}" is not of the form 8-4-4-4-12 hexadecimal digits`)
  return lower as Uuid
}

/** Sixteen bytes in the order of the text (RFC 9562). Throws DecodeError. */
export function uuidFromBytes(bytes: Uint8Array): Uuid {
  if (bytes.length !== 16) throw new DecodeError('UUID', `it has ${bytes.length} bytes, not 16`)
  const hex = formatHex(bytes)
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-') as Uuid
}

export function uuidToBytes(uuid: Uuid): Uint8Array {
  return parseHex(uuid.replaceAll('-', ''))
}

/**
 * Sixteen bytes as SMBIOS 2.6 and DHCP option 97 carry them: the first three fields little-endian. Some firmware sends
 * option 97 in text order all the same, so look a machine up by both. Throws DecodeError.
 */
export function uuidFromSmbiosBytes(bytes: Uint8Array): Uuid {
  if (bytes.length !== 16) throw new DecodeError('UUID', `it has ${bytes.length} bytes, not 16`)
  return uuidFromBytes(swapFields(bytes))
}

export function uuidToSmbiosBytes(uuid: Uuid): Uint8Array {
  return swapFields(uuidToBytes(uuid))
}

function swapFields(bytes: Uint8Array): Uint8Array {
  const swapped = Uint8Array.from(bytes)
  swapped.subarray(0, 4).reverse()
  swapped.subarray(4, 6).reverse()
  swapped.subarray(6, 8).reverse()
  return swapped
}
