import { optionTable } from '../dhcp/option.ts'
import type { SettingsEntry } from '../dhcp/site-file.ts'
import { isIpv4 } from './old-address.ts'

/** dnsmasq's names for options (`dnsmasq --help dhcp`), by code, where they differ from what `parseOptionCode` knows. */
export const dnsmasqOptionNames: Record<string, number> = {
  netmask: 1,
  'time-offset': 2,
  router: 3,
  'dns-server': 6,
  'log-server': 7,
  'lpr-server': 9,
  hostname: 12,
  'boot-file-size': 13,
  'domain-name': 15,
  'swap-server': 16,
  'root-path': 17,
  'extension-path': 18,
  'ip-forward-enable': 19,
  'default-ttl': 23,
  mtu: 26,
  broadcast: 28,
  'static-route': 33,
  'nis-domain': 40,
  'nis-server': 41,
  'ntp-server': 42,
  'vendor-encap': 43,
  'netbios-ns': 44,
  'netbios-nodetype': 46,
  'lease-time': 51,
  'server-ip-address': 54,
  'vendor-class': 60,
  'tftp-server': 66,
  'bootfile-name': 67,
  'user-class': 77,
  'client-arch': 93,
  'posix-timezone': 100,
  'tzdb-timezone': 101,
  'domain-search': 119,
  'classless-static-route': 121,
}

/** What one dhcp-option says (its tags taken off), as settings; a sentence where it has no counterpart. */
export function settingsOfOption(parts: readonly string[], serverAddress: string | undefined): SettingsEntry | string {
  const [named = '', ...values] = parts
  if (/^(vendor|encap|vi-encap|option6):/.test(named)) {
    return `${named.split(':')[0]} options are not set by hand here: PXE's own are set by the server`
  }
  const name = named.replace(/^option:/, '')
  const code = /^\d+$/.test(name) ? Number(name) : dnsmasqOptionNames[name]
  if (code === undefined) return `no option ${name} is known by that name; give its number`
  const given = values.map((value) => (value === '0.0.0.0' ? (serverAddress ?? value) : value))
  if (given.includes('0.0.0.0')) return '0.0.0.0 means the old server itself: say its address with --server-address'
  return (addressSettings[code] ?? textSettings)(given, code)
}

type SettingsOf = (values: readonly string[], code: number) => SettingsEntry | string

/** Options that are settings of their own here. */
const addressSettings: Record<number, SettingsOf> = {
  3: (values) => (values.every(isIpv4) ? { routers: [...values] } : 'a router is an address'),
  6: (values) => (values.every(isIpv4) ? { dns: [...values] } : 'a DNS server is an address'),
  42: (values) => (values.every(isIpv4) ? { ntp: [...values] } : 'an NTP server is an address'),
  15: ([domain = '']) => ({ domain }),
  51: ([seconds = '']) => (/^\d+$/.test(seconds) ? { leaseSeconds: Number(seconds) } : 'a lease time is a number'),
  54: () => 'the server identifier is the server itself',
  66: ([server = '']) => (isIpv4(server) ? { nextServer: server } : 'the TFTP server is given by its address here'),
  67: ([bootFile = '']) => ({ bootFile }),
  121: (values) => routesOf(values),
}

/** `10.1.0.0/16,10.0.0.2,…` */
function routesOf(values: readonly string[]): SettingsEntry | string {
  const routes: string[] = []
  for (let at = 0; at < values.length; at += 2) {
    const [to = '', via = ''] = values.slice(at, at + 2)
    if (!/^[\d.]+\/\d+$/.test(to) || !isIpv4(via)) return 'routes are pairs of NETWORK/PREFIX and ROUTER'
    routes.push(`${to} via ${via}`)
  }
  return { routes }
}

/** Of an option whose form is not known here, the form is dnsmasq's guess from how the value looks. */
function textSettings(values: readonly string[], code: number): SettingsEntry {
  return { options: { [code]: optionTable.has(code) ? plainValue(values) : guessedValue(values) } }
}

function plainValue(values: readonly string[]): string | string[] {
  return values.length === 1 ? values[0]! : [...values]
}

function guessedValue(values: readonly string[]): string | string[] {
  const [only = ''] = values
  if (values.length > 0 && values.every(isIpv4)) return `ip:${values.join(',')}`
  if (values.length > 1) return [...values]
  if (/^([0-9a-f]{2}:)+[0-9a-f]{2}$/i.test(only)) return `hex:${only}`
  if (!/^\d+$/.test(only)) return only
  return `${Number(only) < 0x100 ? 'u8' : Number(only) < 0x10000 ? 'u16' : 'u32'}:${only}`
}
