import { DecodeError } from '../bytes/decode-error.ts'
import { parseHex } from '../bytes/hex.ts'
import { parseIpv4, parseSubnet } from '../bytes/ipv4.ts'
import { encodeRoutes } from './network-options.ts'
import { Option, type OptionForm, optionTable } from './option.ts'
import { encodeIpv4List, encodeText, encodeU8, encodeU16, encodeU32 } from './options.ts'

/** What an operator writes for an option: one value, or a list. */
export type OptionText = string | number | readonly (string | number)[]

/** The server's own business: set by other settings, by the protocol, or echoed. */
const notForSettings: ReadonlySet<number> = new Set([
  Option.pad,
  Option.requestedAddress,
  Option.leaseSeconds,
  Option.overload,
  Option.messageType,
  Option.serverIdentifier,
  Option.parameterRequestList,
  Option.maximumMessageSize,
  Option.renewalSeconds,
  Option.rebindingSeconds,
  Option.clientIdentifier,
  Option.relayAgentInformation,
  Option.subnetSelection,
  Option.end,
])

const codesByName = new Map([...optionTable].map(([code, { name }]) => [nameKey(name), code]))

/** `42`, `ntp-server`, `NTP server`. Throws DecodeError. */
export function parseOptionCode(text: string): number {
  const code = /^\d{1,3}$/.test(text) ? Number(text) : codesByName.get(nameKey(text))
  if (code === undefined || code > 254) {
    throw new DecodeError('DHCP option', `"${text}" is neither a code from 1 to 254 nor a known name; give the code`)
  }
  if (notForSettings.has(code)) throw new DecodeError('DHCP option', `${text} is set by the server itself`)
  return code
}

function nameKey(name: string): string {
  return name.toLowerCase().replaceAll(/[ _]/g, '-')
}

const forms: Record<string, OptionForm> = {
  ip: 'ipv4-list',
  u8: 'u8',
  u16: 'u16-list',
  u32: 'u32',
  text: 'text',
  hex: 'bytes',
  domains: 'domain-list',
  routes: 'routes',
}

/**
 * The option's bytes. A text may name its form (`hex:0a01`, `text:…`, `ip:…`, `u8:…`, `u16:…`, `u32:…`, `domains:…`);
 * otherwise the option's own holds, and text for options that have none here. Throws DecodeError.
 */
export function encodeOptionText(code: number, given: OptionText): Uint8Array {
  const values = Array.isArray(given) ? given.map(String) : [String(given)]
  const prefix = /^([a-z0-9]+):/.exec(values[0] ?? '')?.[1] ?? ''
  const named = forms[prefix]
  if (named) return encoders[named](code, [values[0]!.slice(prefix.length + 1), ...values.slice(1)])
  return encoders[optionTable.get(code)?.form ?? 'text'](code, values)
}

type Encode = (code: number, values: readonly string[]) => Uint8Array

const encoders: Record<OptionForm, Encode> = {
  ipv4: (code, values) => encodeIpv4List([parseIpv4(only(code, values))]),
  'ipv4-list': (_, values) => encodeIpv4List(values.flatMap((value) => value.split(/[ ,]+/)).map(parseIpv4)),
  u8: (code, values) => encodeU8(number(code, only(code, values), 0xff)),
  u16: (code, values) => encodeU16(number(code, only(code, values), 0xffff)),
  'u16-list': (code, values) => Uint8Array.from(values.flatMap((value) => [...encodeU16(number(code, value, 0xffff))])),
  u32: (code, values) => encodeU32(number(code, only(code, values), 0xffffffff)),
  text: (code, values) => encodeText(only(code, values)),
  bytes: (code, values) => parseHex(only(code, values).replaceAll(/[ :]/g, '')),
  'domain-list': (_, values) => Buffer.concat(values.map(encodeDomain)),
  routes: (code, values) => encodeRoutes(values.map((value) => parseRoute(code, value))),
}

/** `10.1.0.0/16 via 10.0.0.2`. Throws DecodeError. */
export function parseRoute(code: number, text: string): Parameters<typeof encodeRoutes>[0][number] {
  const [to, via] = text.split(' via ')
  if (to === undefined || via === undefined) {
    throw new DecodeError(`DHCP option ${code}`, `"${text}" is not of the form "10.1.0.0/16 via 10.0.0.2"`)
  }
  return { to: parseSubnet(to), via: parseIpv4(via) }
}

function only(code: number, values: readonly string[]): string {
  const [value] = values
  if (value !== undefined && values.length === 1) return value
  throw new DecodeError(`DHCP option ${code}`, `it takes one value, not ${values.length}`)
}

function number(code: number, text: string, maximum: number): number {
  const value = Number(text)
  if (/^(\d+|0x[0-9a-f]+)$/i.test(text) && value <= maximum) return value
  throw new DecodeError(`DHCP option ${code}`, `"${text}" is not a number from 0 to ${maximum}`)
}

function encodeDomain(name: string): Uint8Array {
  const labels = name.replace(/\.$/, '').split('.')
  if (labels.some((label) => label.length === 0 || label.length > 63)) {
    throw new DecodeError('domain name', `"${name}" has an empty label or one of more than 63 characters`)
  }
  return Buffer.concat([...labels.flatMap((label) => [encodeU8(label.length), encodeText(label)]), encodeU8(0)])
}
