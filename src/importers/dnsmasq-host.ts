import type { Mac } from '../bytes/mac.ts'
import { type Directive, parseLeaseSeconds, splitParts, takeTags } from './dnsmasq-directive.ts'
import { hostLabel, macName } from './host-name.ts'
import type { ImportedHost } from './imported.ts'
import { isIpv4, parseOldMac } from './old-address.ts'

/** Where names are looked up: the hosts file, and /etc/ethers. */
export type Names = { addressOf(name: string): string | undefined; macOf(name: string): Mac | undefined }

/** What one dhcp-host says; a sentence where it cannot be a machine here. */
export function readDnsmasqHost({ value, file, line }: Directive, names: Names): ImportedHost | string {
  const { sets, tags, rest } = takeTags(splitParts(value))
  if (tags.length > 0) return 'a machine that is known under some tags only has no counterpart'
  if (sets.length > 1) return `a machine is in one group, and this has the tags ${sets.join(', ')}`
  const fields: Fields = { macs: [] }
  for (const part of rest) {
    const problem = readField(fields, part)
    if (problem !== undefined) return problem
  }
  const { macs, leaseSeconds, isIgnored = false } = fields
  const ethers = macs.length === 0 && fields.name !== undefined ? names.macOf(fields.name) : undefined
  if (ethers) macs.push(ethers)
  const name = fields.name ?? (macs[0] && macName(macs[0]))
  if (!macs[0]) return 'it has no MAC address; machines are known by theirs'
  const label = hostLabel(name ?? '')
  if (label === undefined) return `${name} is no host name`
  const address = fields.address ?? (name === undefined ? undefined : names.addressOf(name))
  return {
    ...{ name: label, macs, place: { file, line } },
    ...(address !== undefined && { address }),
    ...(sets[0] !== undefined && { group: sets[0] }),
    settings: { ...(leaseSeconds !== undefined && { leaseSeconds }), ...(isIgnored && { answer: false }) },
  }
}

type Fields = { macs: Mac[]; name?: string; address?: string; leaseSeconds?: number; isIgnored?: boolean }

function readField(fields: Fields, part: string): string | undefined {
  const leaseSeconds = parseLeaseSeconds(part)
  if (part === '' || part === 'id:*') return undefined
  if (part.startsWith('id:')) return 'it goes by a client identifier; machines are known by their MAC addresses'
  if (part.startsWith('[')) return 'IPv6 has no counterpart'
  if (part.includes('*')) return 'a pattern of MAC addresses is no machine; a class by oui may do'
  if (/^(1-)?([0-9a-f]{1,2}:){5}[0-9a-f]{1,2}$/i.test(part)) fields.macs.push(parseOldMac(part.replace(/^1-/, '')))
  else if (/^([0-9a-f]{1,2}[:-]){5,}/i.test(part)) return `${part} is no Ethernet address`
  else if (isIpv4(part)) fields.address = part
  else if (part === 'ignore') fields.isIgnored = true
  else if (leaseSeconds !== undefined) fields.leaseSeconds = leaseSeconds
  else fields.name = part
  return undefined
}
