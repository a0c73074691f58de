import { DecodeError } from './decode-error.ts'

declare const macBrand: unique symbol
/** An Ethernet address in its one written form: lower case, colons, `52:54:00:12:34:56`. */
export type Mac = string & { readonly [macBrand]: true }

const separated = /^([0-9a-f]{2})[:-]([0-9a-f]{2})[:-]([0-9a-f]{2})[:-]([0-9a-f]{2})[:-]([0-9a-f]{2})[:-]([0-9a-f]{2})$/

/** Accepts `:` or `-` between the bytes and either case. Throws DecodeError. */
export function parseMac(text: string): Mac {
  const match = separated.exec(text.toLowerCase())
  if (!match) throw new DecodeError('MAC address', `"${text}" is not six hexadecimal bytes such as 52:54:00:12:34:56`)
  return match.slice(1).join(':') as Mac
}

/** Six bytes, as in `chaddr`. */
export function macFromBytes(bytes: Uint8Array): Mac {
  if (bytes.length !== 6) throw new DecodeError('MAC address', `it has ${bytes.length} bytes, not 6`)
  let text = ''
  for (const byte of bytes) text += `${text && ':'}${byte.toString(16).padStart(2, '0')}`
  return text as Mac
}

export function macToBytes(mac: Mac): Uint8Array {
  return Uint8Array.from(mac.split(':'), (byte) => Number.parseInt(byte, 16))
}

/** `52-54-00-12-34-56`: iPXE's `hexhyp`, and behind `01-` PXELINUX's and BOOTIF's form. */
export function formatMacHyphen(mac: Mac): string {
  return mac.replaceAll(':', '-')
}
