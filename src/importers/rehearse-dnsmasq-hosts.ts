import type { Mac } from '../bytes/mac.ts'
import { type Directive, parseLeaseSeconds, splitParts, takeTags } from './dnsmasq-directive.ts'
import { parseEthers, parseHosts } from './ethers.ts'
import { hostLabel } from './host-name.ts'
import type { ImportContext, Place } from './imported.ts'
import { isIpv4, parseOldMac } from './old-address.ts'

/** A dhcp-host as dnsmasq keeps it; `patterns` are its MACs, some perhaps with stars. */
export type DnsmasqHost = {
  patterns: string[]
  sets: string[]
  tags: string[]
  name?: string
  address?: string
  isIgnored: boolean
  place: Place
}

/** All hosts, what asks last before what asks first, as dnsmasq looks through them. */
export function readHosts(directives: readonly Directive[], context: ImportContext): DnsmasqHost[] {
  const of = (name: string) => directives.filter((each) => each.name === name)
  const files = of('dhcp-hostsfile').flatMap(({ value: file }) => linesOf(context, file))
  const hosts = [...of('dhcp-host'), ...files].map(parseHost).reverse()
  const nameFiles = ['/etc/hosts', ...of('addn-hosts').map(({ value }) => value)]
  const textOf = (file: string) =>
    linesOf(context, file)
      .map(({ value }) => value)
      .join('\n')
  const names = parseHosts(nameFiles.map(textOf).join('\n'))
  if (of('read-ethers').length > 0) addEthers(hosts, textOf('/etc/ethers'), names)
  for (const host of hosts) {
    const address = host.name === undefined ? undefined : names.get(host.name)
    if (address !== undefined) host.address ??= address
  }
  return hosts
}

function parseHost({ value, file, line }: Place & { value: string }): DnsmasqHost {
  const { sets, tags, rest } = takeTags(splitParts(value))
  const host: DnsmasqHost = { patterns: [], sets, tags, isIgnored: false, place: { file, line } }
  for (const part of rest) {
    if (/^([0-9a-f]+-)?([0-9a-f]{1,2}|\*)(:([0-9a-f]{1,2}|\*)){5}$/i.test(part)) host.patterns.push(part)
    else if (isIpv4(part)) host.address = part
    else if (part === 'ignore') host.isIgnored = true
    else if (part !== '' && !/^(id:|\[)/.test(part) && parseLeaseSeconds(part) === undefined) host.name = part
  }
  return host
}

/** A line of /etc/ethers gives its MAC to the host of that name or address, or is one by itself. */
function addEthers(hosts: DnsmasqHost[], text: string, names: ReadonlyMap<string, string>): void {
  for (const { name, macs, address, place } of parseEthers('/etc/ethers', text, names).hosts) {
    const known = hosts.find(
      (host) => hostLabel(host.name ?? '') === name || (address !== undefined && host.address === address),
    )
    if (known) known.patterns = [...macs]
    else
      hosts.push({
        ...{ patterns: [...macs], sets: [], tags: [], isIgnored: false, name, place },
        ...(address !== undefined && { address }),
      })
  }
}

/** The MACs that stand there without a star. */
export function macsOf({ patterns }: DnsmasqHost): Mac[] {
  return patterns
    .filter((pattern) => !pattern.includes('*'))
    .map((pattern) => parseOldMac(pattern.replace(/^[0-9a-f]+-/i, '')))
}

function linesOf({ read }: ImportContext, file: string): (Place & { value: string })[] {
  try {
    const lines = read(file).split('\n')
    return lines
      .map((text, index) => ({ file, line: index + 1, value: text.replace(/#.*$/, '').trim() }))
      .filter(({ value }) => value !== '')
  } catch {
    return []
  }
}
