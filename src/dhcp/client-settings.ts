import { formatHex } from '../bytes/hex.ts'
import type { Ipv4, Subnet } from '../bytes/ipv4.ts'
import type { LoaderName } from '../core/loader.ts'
import { noGroup } from '../core/machine.ts'
import type { DecideContext, Request } from './decision.ts'
import type { NetBoot } from './net-boot.ts'
import { Option } from './option.ts'
import { decodeText, decodeU16List } from './options.ts'

/** What a client is told beside its address. Every layer leaves out what it has nothing to say about. */
export type ClientSettings = {
  /** Left out everywhere, clients get no default route. */
  routers?: Ipv4[]
  nameServers?: Ipv4[]
  ntpServers?: Ipv4[]
  domainName?: string
  leaseSeconds?: number
  /** Routes beside the default one (option 121). */
  routes?: { to: Subnet; via: Ipv4 }[]
  /** `siaddr` and the TFTP server, where it is not this server. */
  nextServer?: Ipv4
  /** In place of the loader chosen by firmware, for everything but iPXE; also for BOOTP clients. */
  bootFile?: string
  /** The same for iPXE, in place of its machine's script: the intent is then not asked. */
  ipxeBootFile?: string
  /** A boot file of the operator's, with a configuration made by hand, for machines of which nothing is ordered. */
  handMade?: string
  /** What firmware runs first; iPXE where nobody says. Also iPXE in a network card's ROM runs another one. */
  loader?: LoaderName
  /** The machine's port takes tagged frames of this VLAN (IEEE 802.1Q); its boot script tells the agent. */
  vlan?: number
  /** Who is not answered, in words (`class bmc`); empty takes it back for a narrower layer. */
  refusedBy?: string
  /** In place of the subnet's, for machines of the group that nobody has approved. */
  unknown?: 'discover' | 'ignore'
  /** Further options as they go on the wire, in place of what would be sent. */
  options?: [code: number, value: Uint8Array][]
}

/** All conditions that are there must hold. */
export type ClassRule = {
  name: string
  /** Option 60: the whole text, or its beginning where it ends in `*`. */
  vendorClass?: string
  /** Option 77 contains it. */
  userClass?: string
  /** One of option 93's numbers. */
  architectures?: number[]
  /** First three bytes of the MAC: `b8:27:eb`. */
  ouis?: string[]
  settings: ClientSettings
}

/** What holds for some clients, whatever their subnet. Plain data: it crosses threads. */
export type ClientRules = {
  groups: ReadonlyMap<string, ClientSettings>
  /** Whose machines those are, that nobody has approved or grouped, by how their MAC addresses begin; the first counts. */
  claims?: readonly { group: string; mac: string }[]
  classes: readonly ClassRule[]
  /** By the machine's name. */
  machines: ReadonlyMap<string, ClientSettings>
  /** What Macs may boot. */
  netBoot?: NetBoot
}

export const noClientRules: ClientRules = { groups: new Map(), classes: [], machines: new Map() }

/**
 * The subnet's settings as they hold for this client. Where several layers say something, the later wins: the subnet
 * (which has everybody's settings in it), the machine's group, each class that matches in the order of the file, the
 * machine. Options are overridden one by one.
 */
export function resolveSettings(request: Request, { config, rules }: DecideContext): DecideContext['config'] {
  const { groups, classes, machines } = rules
  if (groups.size + classes.length + machines.size === 0) return config
  const { machine } = request
  const layers = [
    groups.get(groupOf(request, rules) ?? ''),
    ...classes.filter((rule) => matchesClass(rule, request)).map(({ settings }) => settings),
    machine && machines.get(machine.name),
  ].filter((layer) => layer !== undefined)
  const options = layers.reduce((all, layer) => joinOptions(all, layer.options), config.options ?? [])
  return Object.assign({}, config, ...layers, { options })
}

/** A machine that is in no group yet is in the one that claims it. */
function groupOf({ mac, machine }: Request, { claims = [] }: ClientRules): string | undefined {
  const isOpen = !machine || (machine.isNewcomer === true && machine.group === noGroup)
  const claim = isOpen && mac !== undefined ? claims.find((each) => mac.startsWith(each.mac)) : undefined
  return claim?.group ?? machine?.group
}

/** What `over` says about an option replaces what `under` says about it. */
export function joinOptions(
  under: ClientSettings['options'] = [],
  over: ClientSettings['options'] = [],
): NonNullable<ClientSettings['options']> {
  return [...new Map([...under, ...over])]
}

function matchesClass(rule: ClassRule, { message, mac }: Request): boolean {
  const { vendorClass, userClass, architectures, ouis } = rule
  const { options } = message
  if (vendorClass !== undefined && !matchesText(vendorClass, decodeText(options, Option.vendorClass))) return false
  if (userClass !== undefined && !decodeText(options, Option.userClass)?.includes(userClass)) return false
  if (ouis && !(mac && ouis.includes(formatHex(message.chaddr.subarray(0, 3), ':')))) return false
  if (!architectures) return true
  const numbers = decodeU16List(options, Option.clientArchitecture) ?? []
  return numbers.some((number) => architectures.includes(number))
}

function matchesText(pattern: string, text: string | undefined): boolean {
  if (text === undefined) return false
  return pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : text === pattern
}
