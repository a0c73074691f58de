import type { SettingsEntry } from '../dhcp/site-file.ts'
import type { Statement } from './dhcpd-statement.ts'
import { isIpv4 } from './old-address.ts'

/** A statement outside blocks that is a setting here, or needs none; a sentence where it has no counterpart. */
export function settingsOfParameter({ words }: Statement): SettingsEntry | string {
  const [name = '', value = ''] = words.map(({ text }) => text)
  const setting = parameters[name]
  if (setting) return setting(value)
  return nothingToSay.test(name) ? {} : (reasons.find(([names]) => names.test(name))?.[1] ?? 'it is not known here')
}

const parameters: Record<string, (value: string) => SettingsEntry | string> = {
  filename: (bootFile) => ({ bootFile }),
  'next-server': (server) => (isIpv4(server) ? { nextServer: server } : 'give an address; names are not looked up'),
  'default-lease-time': (seconds) =>
    Number(seconds) >= 60 ? { leaseSeconds: Number(seconds) } : 'a lease of less than a minute is not given',
}

/** What is the case here anyway. A client is told its machine's name (`use-host-decl-names on`). */
const nothingToSay =
  /^(authoritative|use-host-decl-names|one-lease-per-client|get-lease-hostnames|ping-check|always-reply-rfc1048|server-name)$/

const reasons: [names: RegExp, reason: string][] = [
  [/^(max|min)-lease-time$/, 'a lease is given for leaseSeconds, whatever is asked for'],
  [/^ddns-|^update-|^do-forward-updates$|^key$|^zone$/, 'names are not registered with a DNS server here'],
  [
    /^(log-facility|pid-file-name|lease-file-name|local-|omapi-|server-identifier)/,
    'how the old service ran does not concern the new one',
  ],
  [/^(failover|peer|mclt|split|load)$/, 'there is no failover'],
  [/^ping-timeout/, 'how long an address is asked for is probeMs of a subnet'],
  [/^(subclass|spawn)$/, 'classes by a list of clients have no counterpart; give the machines settings of their own'],
  [/^(option|vendor-option-space)$/, 'option spaces have no counterpart'],
]
