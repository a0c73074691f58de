import { parseIpv4, parseSubnet, subnetContains } from '../bytes/ipv4.ts'
import type { Mac } from '../bytes/mac.ts'
import { type Directive, readDirectives, splitParts, takeTags } from './dnsmasq-directive.ts'
import { networkOfRange } from './dnsmasq-network.ts'
import { dnsmasqOptionNames } from './dnsmasq-option.ts'
import { macName } from './host-name.ts'
import type { ImportContext } from './imported.ts'
import {
  fromPool,
  itself,
  type OldClient,
  type OldServer,
  type Said,
  type ServerAnswer,
  Unclear,
  unlessUnclear,
} from './old-server.ts'
import { type DnsmasqHost, macsOf, readHosts } from './rehearse-dnsmasq-hosts.ts'
import { addConditionalTags, isMacPattern, isTagged, tagsOfClient } from './rehearse-dnsmasq-tags.ts'

type Range = { subnet: string; tags: readonly string[]; sets: readonly string[]; kind: 'pool' | 'static' | 'proxy' }
/** A dhcp-boot or dhcp-option without its tags. */
type Line = { tags: readonly string[]; values: readonly string[]; place: Directive }

/**
 * dnsmasq 2.90, as its file has it answer a DHCPDISCOVER: the client gets its tags, and of the lines that speak to them
 * the last one holds, one with tags before one without. Throws what the file system throws.
 */
export class RehearsedDnsmasq implements OldServer {
  readonly machines: OldServer['machines']
  readonly subnets: readonly string[]
  readonly knowsMacs: boolean
  readonly #byName: ReadonlyMap<string, Directive[]>
  /** What gives clients their tags, in the order of the file. */
  readonly #tagLines: Directive[]
  readonly #ranges: Range[]
  readonly #hosts: DnsmasqHost[]
  readonly #hostsByMac = new Map<Mac, DnsmasqHost[]>()
  readonly #patternHosts: DnsmasqHost[]
  readonly #boots: Line[]
  readonly #options = new Map<number, Line[]>()

  constructor(path: string, context: ImportContext) {
    const directives = readDirectives(path, context, [])
    this.#byName = Map.groupBy(directives, ({ name }) => name)
    this.#tagLines = directives.filter(({ name }) => /^(tag-if|dhcp-(match|vendorclass|userclass|mac))$/.test(name))
    this.#ranges = this.#of('dhcp-range').flatMap(({ value }) => readRange(value, context))
    this.subnets = [...new Set(this.#ranges.map(({ subnet }) => subnet))]
    this.knowsMacs = directives.some(({ value }) => value.includes('AAPLBSDPC'))
    this.#hosts = readHosts(directives, context)
    this.#patternHosts = this.#hosts.filter(({ patterns }) => patterns.some((pattern) => pattern.includes('*')))
    for (const host of this.#hosts) {
      for (const mac of macsOf(host)) this.#hostsByMac.set(mac, [...(this.#hostsByMac.get(mac) ?? []), host])
    }
    this.machines = [...this.#hostsByMac].map(([mac, [host]]) => this.#machineOf(mac, host!)).reverse()
    // the last line first, as it is the one that holds
    this.#boots = this.#of('dhcp-boot').map(readLine).reverse()
    const options = directives.filter(({ name }) => /^dhcp-option(-force)?$/.test(name))
    for (const line of options.map(readLine).reverse()) {
      const name = line.values[0]?.replace(/^option:/, '') ?? ''
      const code = /^\d+$/.test(name) ? Number(name) : dnsmasqOptionNames[name]
      if (code !== undefined) this.#options.set(code, [...(this.#options.get(code) ?? []), line])
    }
  }

  answer(client: OldClient): ServerAnswer {
    return unlessUnclear(() => this.#answer(client))
  }

  #answer({ mac, options, subnet }: OldClient): ServerAnswer {
    const ranges = this.#ranges.filter((range) => range.subnet === subnet)
    if (ranges.some(({ kind }) => kind === 'proxy')) throw new Unclear('as proxyDHCP it joins what another server says')
    const vendorClass = Buffer.from(options.get(60) ?? []).toString('latin1')
    if (vendorClass.startsWith('PXEClient') && this.#of('pxe-service').length > 0) {
      throw new Unclear('pxe-service: the machine chooses from a menu')
    }
    const tags = tagsOfClient(this.#tagLines, mac, options)
    for (const { value } of this.#of('interface')) tags.add(value)
    const host = this.#hostOf(mac, subnet, tags)
    for (const tag of host ? ['known', ...host.sets] : []) tags.add(tag)
    addConditionalTags(this.#tagLines, tags)
    if (host?.isIgnored) return { kind: 'none', reason: 'it is to be ignored' }
    const refusal = this.#of('dhcp-ignore').find(({ value }) => isTagged(takeTags(splitParts(value)).tags, tags, false))
    if (refusal) return { kind: 'none', reason: `${refusal.file}:${refusal.line}: ${refusal.text}` }
    const range = ranges.find((each) => isTagged(each.tags, tags, true) && (host?.address || each.kind === 'pool'))
    if (!range) return { kind: 'none', reason: 'no range there is for it' }
    const asked = options.get(55)
    const withRange = new Set([...tags, ...range.sets])
    return this.#told(
      { tags, withRange, ...(asked && { asked }) },
      {
        text: host?.address ?? fromPool,
        ...(host && { place: host.place }),
      },
    )
  }

  /** `withRange` has the range's tags too: an option that asks for these comes after one that does not. */
  #told(
    { tags, withRange, asked }: { tags: ReadonlySet<string>; withRange: ReadonlySet<string>; asked?: Uint8Array },
    address: Said,
  ): ServerAnswer {
    const option = (code: number): Said | undefined => {
      const lines = this.#options.get(code) ?? []
      const found =
        lines.find((line) => isTagged(line.tags, tags, false)) ??
        lines.find((line) => isTagged(line.tags, withRange, false)) ??
        lines.find((line) => line.tags.length === 0)
      const isSent = !asked || asked.includes(code) || found?.place.name === 'dhcp-option-force'
      return found && isSent ? { text: found.values.slice(1).join(','), place: found.place } : undefined
    }
    const boot =
      this.#boots.find((line) => isTagged(line.tags, withRange, false)) ??
      this.#boots.find((line) => line.tags.length === 0)
    const bootFile = boot ? { text: boot.values[0] ?? '', place: boot.place } : option(67)
    const server = boot ? boot.values[2] : option(66)?.text
    const [rootPath, configuration, prefix] = [option(17), option(209), option(210)]
    return {
      kind: 'answer',
      told: {
        address,
        ...(bootFile && { 'boot file': bootFile }),
        server: { text: server && server !== '0.0.0.0' ? server : itself, ...(boot && { place: boot.place }) },
        ...(rootPath && { 'root path': rootPath }),
        ...(configuration && { '209': configuration }),
        ...(prefix && { '210': prefix }),
      },
    }
  }

  #hostOf(mac: Mac, subnet: string, tags: ReadonlySet<string>): DnsmasqHost | undefined {
    const isThere = ({ address }: DnsmasqHost) =>
      address === undefined || subnetContains(parseSubnet(subnet), parseIpv4(address))
    const fits = (host: DnsmasqHost) => isThere(host) && isTagged(host.tags, tags, true)
    const byPattern = (host: DnsmasqHost) => host.patterns.some((pattern) => isMacPattern(pattern, mac))
    return this.#hostsByMac.get(mac)?.find(fits) ?? this.#patternHosts.find((host) => fits(host) && byPattern(host))
  }

  #machineOf(mac: Mac, { name, address }: DnsmasqHost) {
    const isInside = (subnet: string) =>
      address !== undefined && subnetContains(parseSubnet(subnet), parseIpv4(address))
    const subnet = this.subnets.find(isInside) ?? this.subnets[0] ?? ''
    return { name: name ?? macName(mac), mac, subnet }
  }

  #of(name: string): readonly Directive[] {
    return this.#byName.get(name) ?? []
  }
}

function readRange(value: string, { interfaces }: ImportContext): Range[] {
  const { tags, sets, rest } = takeTags(splitParts(value))
  const [first = '', last = '', ...more] = rest
  if (!/^\d+(\.\d+){3}$/.test(first)) return []
  const mask = more.find((part) => /^255\.[\d.]+$/.test(part))
  const kind = last === 'static' || last === 'proxy' ? last : 'pool'
  return [{ subnet: networkOfRange(first, mask, interfaces), tags, sets, kind }]
}

function readLine(place: Directive): Line {
  const { tags, rest } = takeTags(splitParts(place.value))
  return { tags, values: rest, place }
}
