import { type Mac, parseMac } from '../bytes/mac.ts'

/** Whether it is written as an IPv4 address; names, networks and IPv6 are not. */
export function isIpv4(text: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(text)
}

/** A MAC address whose bytes may lack their leading zeros: `8:0:20:1:2:3`. Throws DecodeError. */
export function parseOldMac(text: string): Mac {
  return parseMac(
    text
      .split(':')
      .map((byte) => byte.padStart(2, '0'))
      .join(':'),
  )
}
