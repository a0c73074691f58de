import { DecodeError } from './decode-error.ts'

const digits = /^(?:[0-9a-f]{2})*$/i

/** Lower case, two digits a byte, with `separator` between bytes. */
export function formatHex(bytes: Uint8Array, separator = ''): string {
  let text = ''
  for (const byte of bytes) text += `${text && separator}${byte.toString(16).padStart(2, '0')}`
  return text
}

/** Two digits a byte, either case, no separators. Throws DecodeError. */
export function parseHex(text: string): Uint8Array {
  if (!digits.test(text)) throw new DecodeError('hexadecimal text', `"${text}" is not pairs of hexadecimal digits`)
  return Uint8Array.from({ length: text.length / 2 }, (_, index) =>
    Number.parseInt(text.slice(2 * index, 2 * index + 2), 16),
  )
}
