import { formatSubnet, parseIpv4, parseSubnet, subnetContains } from '../bytes/ipv4.ts'
import type { ClassEntry, NamesEntry, SettingsEntry, SubnetEntry } from '../dhcp/site-file.ts'
import type { Imported, ImportedHost, NotTaken, Place } from './imported.ts'

/** A site as it is put together from an old configuration, line by line. */
export class SiteDraft {
  readonly settings: SettingsEntry = {}
  readonly subnets: SubnetEntry[] = []
  readonly groups: Record<string, SettingsEntry> = {}
  readonly classes: ClassEntry[] = []
  readonly notTaken: NotTaken[] = []
  mode: Imported['mode'] = 'authoritative'
  files: string | undefined
  names: NamesEntry | undefined
  /** Who is not known gets no answer, in any subnet. */
  isUnknownIgnored = false
  readonly interfaces: string[] = []
  readonly #hosts = new Map<string, ImportedHost>()
  readonly #hostsByMac = new Map<string, ImportedHost>()
  readonly #hostsByAddress = new Map<string, ImportedHost>()

  leaveOut(place: Place & { text: string }, reason: string): void {
    const { file, line, text } = place
    this.notTaken.push({ file, line, text, reason })
  }

  group(name: string): SettingsEntry {
    this.groups[name] ??= {}
    return this.groups[name]
  }

  /** The subnet of that network, made when it is new. Throws DecodeError for what is no network. */
  subnet(network: string): SubnetEntry {
    const subnet = formatSubnet(parseSubnet(network))
    const found = this.subnets.find((each) => each.subnet === subnet)
    if (found) return found
    const made: SubnetEntry = { subnet }
    this.subnets.push(made)
    return made
  }

  subnetOf(address: string): SubnetEntry | undefined {
    const inside = parseIpv4(address)
    return this.subnets.find(({ subnet }) => subnetContains(parseSubnet(subnet), inside))
  }

  /** Why it cannot be taken, or undefined: a MAC, an address and a name belong to one machine each. */
  addHost(host: ImportedHost): string | undefined {
    const taken =
      host.macs.map((mac) => [mac, this.#hostsByMac.get(mac)] as const).find(([, owner]) => owner) ??
      ([host.address, host.address === undefined ? undefined : this.#hostsByAddress.get(host.address)] as const)
    if (taken[1]) return `${taken[0]} belongs to ${taken[1].name} already (${whereIs(taken[1].place)})`
    const other = this.#hosts.get(host.name)
    if (other) return `there is another ${host.name} (${whereIs(other.place)})`
    this.#hosts.set(host.name, host)
    for (const mac of host.macs) this.#hostsByMac.set(mac, host)
    if (host.address !== undefined) this.#hostsByAddress.set(host.address, host)
    return undefined
  }

  /** Whether there is a machine of that name, which has an address. */
  hasAddress(name: string): boolean {
    return this.#hosts.get(name)?.address !== undefined
  }

  /** Where a group says what a class says too, the group wins: its machines say it themselves, above every class. */
  preferGroups(): void {
    const ofClasses = new Set(this.classes.flatMap(saidBy))
    for (const [name, settings] of Object.entries(this.groups)) {
      if (!saidBy(settings).some((setting) => ofClasses.has(setting))) continue
      for (const [key, host] of this.#hosts) {
        if (host.group !== name) continue
        const own = structuredClone(settings)
        mergeSettings(own, host.settings)
        this.#hosts.set(key, { ...host, settings: own })
      }
    }
  }

  finish(): Imported {
    const { settings, groups, classes, notTaken, mode, files, names, interfaces } = this
    for (const entry of [this.settings, ...this.subnets, ...Object.values(this.groups), ...this.classes])
      sayToIpxe(entry)
    for (const host of this.#hosts.values()) sayToIpxe(host.settings)
    const subnets = this.subnets.map(
      (subnet): SubnetEntry => ({
        ...subnet,
        ...(this.isUnknownIgnored && { unknown: 'ignore' }),
      }),
    )
    return {
      ...{ interfaces, mode, settings, subnets, groups, classes, notTaken },
      hosts: [...this.#hosts.values()],
      ...(files !== undefined && { files }),
      ...(names && { names }),
    }
  }
}

/** Names of settings, and of options one by one. */
function saidBy({ options = {}, ...settings }: SettingsEntry): string[] {
  return [...Object.keys(settings), ...Object.keys(options)].filter((name) => name !== 'name' && name !== 'match')
}

/** The old servers give iPXE the same boot file as firmware, where no class of its own says another. */
function sayToIpxe(entry: SettingsEntry | ClassEntry): void {
  if (entry.bootFile === undefined) return
  entry.ipxeBootFile = entry.bootFile
  if ('match' in entry && entry.match.userClass?.includes('iPXE')) delete entry.bootFile
}

/** What `from` says replaces what `into` says of the same thing; options one by one. */
export function mergeSettings(into: SettingsEntry, from: SettingsEntry): void {
  const options = from.options && { ...into.options, ...from.options }
  Object.assign(into, from, options && { options })
}

function whereIs({ file, line }: Place): string {
  return `${file}:${line}`
}
