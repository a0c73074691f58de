import { DecodeError } from '../bytes/decode-error.ts'
import { formatHex } from '../bytes/hex.ts'
import {
  formatIpv4,
  formatSubnet,
  type Ipv4,
  parseIpv4,
  parseSubnet,
  type Subnet,
  subnetContains,
} from '../bytes/ipv4.ts'
import { parseMac } from '../bytes/mac.ts'
import type { NameService } from '../core/name-service.ts'
import type { FileProblem } from '../core/yaml-file.ts'
import { parseArchitecture } from './architecture.ts'
import { type ClassRule, type ClientSettings, joinOptions } from './client-settings.ts'
import type { DhcpInterface, DhcpSite } from './dhcp-site.ts'
import { makeNameService, namesForClients } from './make-name-service.ts'
import { type NetBoot, netBootId } from './net-boot.ts'
import { claimsByMac, packetPolicy, withPolicies } from './newcomer-policy.ts'
import { Option } from './option.ts'
import { encodeOptionText, parseOptionCode, parseRoute } from './option-value.ts'
import { clashOf, indexReservations, type Reservation } from './reservations.ts'
import type {
  ClassEntry,
  InterfaceEntry,
  NetBootEntry,
  ReservationEntry,
  SettingsEntry,
  SiteFile,
  SubnetEntry,
} from './site-file.ts'
import { type AddressRange, isHostAddress, makeSubnetConfig, type SubnetConfig } from './subnet-config.ts'

/** An interface as the machine has it. */
export type InterfaceFact = { interface: string; address: Ipv4; subnet: Subnet }

type Place = readonly string[]

/**
 * What the site file says, on the interfaces that are there, as the packet servers need it; everything in it that
 * cannot be is a problem with its place.
 */
export function makeSite(
  site: SiteFile,
  facts: readonly InterfaceFact[],
  httpPort: number,
): { site: DhcpSite } | { problems: readonly FileProblem[] } {
  const maker = new SiteMaker(site, facts, httpPort)
  const made = maker.make()
  return maker.problems.length > 0 ? { problems: maker.problems } : { site: made }
}

class SiteMaker {
  readonly problems: FileProblem[] = []
  readonly #site: SiteFile
  readonly #facts: readonly InterfaceFact[]
  readonly #httpPort: number
  readonly #everybody: ClientSettings
  #names: NameService | undefined

  constructor(site: SiteFile, facts: readonly InterfaceFact[], httpPort: number) {
    this.#site = site
    this.#facts = facts
    this.#httpPort = httpPort
    this.#everybody = this.#settings(site.settings ?? {}, ['settings'], 'everybody')
  }

  make(): DhcpSite {
    const { interfaces, groups = {}, classes = [], machines = {}, netBoot } = this.#site
    const links = Object.entries(interfaces).flatMap(([name, entry]) => this.#interface(name, entry))
    this.#makeNames(links)
    for (const [index, entry] of (this.#site.subnets ?? []).entries()) {
      this.#subnet(entry, ['subnets', String(index)], links)
    }
    for (const link of links) this.#completeInterface(link)
    if (links.length === 0 && this.problems.length === 0) this.#refuse(['interfaces'], 'every interface is off')
    return {
      interfaces: links,
      ownAddresses: this.#facts.map(({ address }) => address),
      ...(this.#names && { names: this.#names }),
      rules: {
        groups: withPolicies(this.#layers(groups, 'groups', 'group'), groups),
        claims: claimsByMac(groups),
        classes: classes.map((entry, index) => this.#class(entry, ['classes', String(index)])),
        machines: this.#layers(machines, 'machines', 'machine'),
        ...(netBoot && { netBoot: this.#netBoot(netBoot) }),
      },
    }
  }

  #interface(name: string, { mode, as = 'authoritative', evenIfDynamic = false }: InterfaceEntry): DhcpInterface[] {
    if (mode === 'off') return []
    const fact = this.#facts.find((each) => each.interface === name)
    if (!fact) {
      const others = this.#facts.map((each) => each.interface).join(', ') || 'none'
      this.#refuse(['interfaces', name], `it has no IPv4 address or is not up (interfaces with one: ${others})`)
      return []
    }
    const isSilent = mode === 'listen'
    const answers = isSilent ? as : mode
    return [{ name, serverAddress: fact.address, answers, isSilent, hasOwnClient: evenIfDynamic, subnets: [] }]
  }

  #makeNames(links: readonly DhcpInterface[]): void {
    const { names } = this.#site
    const ownAddresses = this.#facts.map(({ address }) => address)
    const refuse = ({ path, message }: FileProblem) => this.problems.push({ path: ['names', ...path], message })
    if (names) this.#names = makeNameService(names, { links, ownAddresses, refuse })
  }

  #subnet(entry: SubnetEntry, place: Place, links: DhcpInterface[]): void {
    const subnet = this.#try(place, () => parseSubnet(entry.subnet))
    const link = subnet && this.#linkOf(entry, subnet, place, links)
    if (!link) return
    const { bootp, probeMs } = entry
    const config = this.#try(place, () =>
      makeSubnetConfig({
        ...namesForClients(this.#names, link),
        ...this.#everybody,
        ...{ subnet, serverAddress: link.serverAddress, httpPort: this.#httpPort },
        ...this.#subnetSettings(entry, place),
        ...(entry.pools && { pools: entry.pools.map(parseRange) }),
        ...packetPolicy(entry.unknown ?? this.#site.settings?.unknown),
        ...(bootp !== undefined && { bootp }),
        ...(probeMs !== undefined && { probeMs }),
      }),
    )
    if (!config) return
    const reservations = this.#reservations(entry.reservations ?? [], config, [...place, 'reservations'])
    link.subnets.push(reservations.length > 0 ? { ...config, reservations: indexReservations(reservations) } : config)
  }

  #reservations(entries: readonly ReservationEntry[], config: SubnetConfig, place: Place): Reservation[] {
    const list: Reservation[] = []
    for (const [index, entry] of entries.entries()) {
      const at = [...place, String(index)]
      const reservation = this.#try(at, () => makeReservation(entry))
      if (!reservation) continue
      const refusal = refuseReservation(config, reservation.address) ?? clashOf(list, reservation)
      if (refusal === undefined) list.push(reservation)
      else this.#refuse(at, refusal)
    }
    return list
  }

  /** Undefined when there is none, which is then a problem. */
  #linkOf(entry: SubnetEntry, subnet: Subnet, place: Place, links: DhcpInterface[]): DhcpInterface | undefined {
    const clash = links.flatMap((each) => each.subnets).find((other) => overlap(other.subnet, subnet))
    if (clash) this.#refuse(place, `it overlaps ${formatSubnet(clash.subnet)}`)
    if (entry.interface !== undefined) {
      const named = links.find(({ name }) => name === entry.interface)
      if (!named)
        this.#refuse([...place, 'interface'], `${entry.interface} is not among the interfaces that are served`)
      return named
    }
    const onLink = links.find((link) => subnetContains(subnet, link.serverAddress))
    const link = onLink ?? (links.length === 1 ? links[0] : undefined)
    if (!link) this.#refuse(place, 'no interface has an address in it: say through which it is reached')
    return link
  }

  #subnetSettings(entry: SubnetEntry, place: Place): ClientSettings {
    const own = this.#settings(entry, place, `subnet ${entry.subnet}`)
    return { ...own, options: joinOptions(this.#everybody.options, own.options) }
  }

  /** An interface serves its own subnet, described or not, and that one is the first. */
  #completeInterface(link: DhcpInterface): void {
    const { name, serverAddress, subnets } = link
    const { subnet } = this.#facts.find((each) => each.interface === name)!
    if (!subnets.some((config) => overlap(config.subnet, subnet))) {
      const given = {
        ...namesForClients(this.#names, link),
        ...this.#everybody,
        ...packetPolicy(this.#site.settings?.unknown),
        subnet,
        serverAddress,
        httpPort: this.#httpPort,
      }
      const config = this.#try(['interfaces', name], () => makeSubnetConfig(given))
      if (config) subnets.push(config)
    }
    const isOwn = (config: SubnetConfig) => Number(subnetContains(config.subnet, serverAddress))
    subnets.sort((a, b) => isOwn(b) - isOwn(a))
  }

  #layers(entries: Record<string, SettingsEntry>, section: string, kind: string): Map<string, ClientSettings> {
    const settingsOf = (name: string, entry: SettingsEntry) => this.#settings(entry, [section, name], `${kind} ${name}`)
    return new Map(Object.entries(entries).map(([name, entry]) => [name, settingsOf(name, entry)]))
  }

  #netBoot({ priority = 0x8000, images }: NetBootEntry): NetBoot {
    const all = images.map(({ index, kind = 'osx', install = false, macs, ...image }) => ({
      ...image,
      id: netBootId(kind, install, index),
      ...(macs && { macs: macs.map(parseMac) }),
    }))
    for (const [index, { id }] of all.entries()) {
      if (all.findIndex((other) => other.id === id) !== index) {
        this.#refuse(['netBoot', 'images', String(index)], 'another image has this index, kind and install')
      }
    }
    return { priority, images: all }
  }

  #class(entry: ClassEntry, place: Place): ClassRule {
    const { vendorClass, userClass, architecture, oui } = entry.match
    const architectures = architecture?.map((each) => {
      const number = parseArchitecture(String(each))
      if (number === undefined) this.#refuse([...place, 'match', 'architecture'], `${each} is no known architecture`)
      return number ?? -1
    })
    return {
      name: entry.name,
      ...(vendorClass !== undefined && { vendorClass }),
      ...(userClass !== undefined && { userClass }),
      ...(architectures && { architectures }),
      ...(oui && { ouis: oui.map((each) => each.toLowerCase().replaceAll('-', ':')) }),
      settings: this.#settings(entry, place, `class ${entry.name}`),
    }
  }

  #settings(entry: SettingsEntry, place: Place, who: string): ClientSettings {
    const { routers, dns, ntp, domain, leaseSeconds, routes, nextServer, loader, vlan, answer, options } = entry
    const { bootFile, ipxeBootFile, handMade } = entry
    const at = <Value>(name: string, make: () => Value) => this.#try([...place, name], make)
    const list = (name: string, texts: readonly string[]) => at(name, () => texts.map(parseIpv4)) ?? []
    const route = (text: string) => parseRoute(Option.classlessRoutes, text)
    return {
      ...(routers && { routers: list('routers', routers) }),
      ...(dns && { nameServers: list('dns', dns) }),
      ...(ntp && { ntpServers: list('ntp', ntp) }),
      ...(domain !== undefined && { domainName: domain }),
      ...(leaseSeconds !== undefined && { leaseSeconds }),
      ...(routes && { routes: at('routes', () => routes.map(route)) ?? [] }),
      ...(nextServer !== undefined && { nextServer: list('nextServer', [nextServer])[0] ?? (0 as Ipv4) }),
      ...(bootFile !== undefined && { bootFile }),
      ...(ipxeBootFile !== undefined && { ipxeBootFile }),
      ...(loader !== undefined && { loader }),
      ...(vlan !== undefined && { vlan }),
      ...(handMade !== undefined && { handMade }),
      ...(answer !== undefined && { refusedBy: answer ? '' : who }),
      ...(options && { options: this.#options(options, [...place, 'options']) }),
    }
  }

  #options(entries: NonNullable<SettingsEntry['options']>, place: Place): [number, Uint8Array][] {
    return Object.entries(entries).flatMap(([name, value]) => {
      const option = this.#try([...place, name], (): [number, Uint8Array] => {
        const code = parseOptionCode(name)
        return [code, encodeOptionText(code, value)]
      })
      return option ? [option] : []
    })
  }

  #try<Value>(place: Place, make: () => Value): Value | undefined {
    try {
      return make()
    } catch (error) {
      this.#refuse(place, (error as Error).message)
      return undefined
    }
  }

  #refuse(place: Place, reason: string): void {
    this.problems.push({ path: place, message: reason })
  }
}

function parseRange(text: string): AddressRange {
  const [first = '', last = first] = text.split('-')
  return { first: parseIpv4(first), last: parseIpv4(last) }
}

/** Throws DecodeError. */
function makeReservation({ mac, clientId, address, name }: ReservationEntry): Reservation {
  if ((mac === undefined) === (clientId === undefined)) {
    throw new DecodeError('reservation', 'it is for a mac or for a clientId: say one of them')
  }
  const client =
    clientId === undefined ? parseMac(mac!) : `id:${formatHex(encodeOptionText(Option.clientIdentifier, clientId))}`
  return { address: parseIpv4(address), client, ...(name !== undefined && { name }) }
}

function refuseReservation({ subnet, serverAddress, routers }: SubnetConfig, address: Ipv4): string | undefined {
  const text = formatIpv4(address)
  if (!isHostAddress(subnet, address)) return `${text} is no address of a machine in ${formatSubnet(subnet)}`
  if (address === serverAddress) return `${text} is this server's own`
  return routers?.includes(address) ? `${text} is the router's` : undefined
}

function overlap(a: Subnet, b: Subnet): boolean {
  return subnetContains(a, b.network) || subnetContains(b, a.network)
}
