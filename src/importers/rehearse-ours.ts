import {
  broadcastAddress,
  formatIpv4,
  type Ipv4,
  parseIpv4,
  parseSubnet,
  type Subnet,
  subnetContains,
} from '../bytes/ipv4.ts'
import { parseMac } from '../bytes/mac.ts'
import { MemoryDirectory } from '../core/directory.ts'
import type { BootRecord } from '../core/machine.ts'
import { type ClientPacket, makeClientPacket } from '../dhcp/client-packet.ts'
import { decideOnInterface } from '../dhcp/dhcp-site.ts'
import { identify } from '../dhcp/identify.ts'
import { LeaseTable } from '../dhcp/lease-table.ts'
import { makeSite } from '../dhcp/make-site.ts'
import { decodeMessage, type Message } from '../dhcp/message.ts'
import type { SiteFile } from '../dhcp/site-file.ts'
import type { SubnetConfig } from '../dhcp/subnet-config.ts'
import { fromPool, itself, type Said, type ServerAnswer, type ToldName } from './old-server.ts'

/** The imported site cannot be served as it is; the message has every reason with its place. */
export class ImportedSiteInvalid extends Error {
  override readonly name = 'ImportedSiteInvalid'
}

/** What is asked of the imported site, on one of its networks; `because` is the decision's own sentence. */
export type Asked = { answer: ServerAnswer; because: string }

export type ImportedMachine = { name: string; macs?: readonly string[]; address?: string; group?: string }

const httpPort = 4280
const noAddress = '0.0.0.0'

/**
 * The real decisions (dhcp/decide.ts) over an imported site and its machines, with no lease given. The server stands in
 * the first subnet, at `serverAddress` or at an address there that nothing else has; other subnets are asked through a relay.
 */
export class RehearsedSite {
  readonly #link
  readonly #context
  readonly #serverAddress: Ipv4
  /** Dotted; only where it was given, else the address is made up. */
  readonly ownAddress: string | undefined
  readonly #tables = new Map<SubnetConfig, LeaseTable>()

  /** Throws ImportedSiteInvalid. */
  constructor(site: SiteFile, machines: readonly ImportedMachine[], serverAddress: string | undefined) {
    const records = machines.map(recordOf)
    const directory = new MemoryDirectory(records)
    const [first] = (site.subnets ?? []).map(({ subnet }) => parseSubnet(subnet))
    if (!first) throw new ImportedSiteInvalid('Cannot rehearse: the file has no network that is answered on')
    const given = serverAddress === undefined ? undefined : parseIpv4(serverAddress)
    const isOther = given === undefined || !subnetContains(first, given)
    this.ownAddress = isOther ? undefined : serverAddress
    this.#serverAddress = isOther ? unnamedAddress(first, { site, machines }) : given
    const facts = Object.keys(site.interfaces).map((name) => ({
      ...{ interface: name, address: this.#serverAddress, subnet: first },
    }))
    const made = makeSite(site, facts.slice(0, 1), httpPort)
    if ('problems' in made) {
      const reasons = made.problems.map(({ path, message }) => `${path.join('.')}: ${message}`)
      throw new ImportedSiteInvalid(`Cannot rehearse: the imported site is not valid: ${reasons.join('; ')}`)
    }
    const { interfaces, rules, ownAddresses } = made.site
    this.#link = interfaces[0]!
    this.#context = {
      ...{ rules, ownAddresses, directory, now: 0, hasLoader: () => true },
      scriptUrl: () => `http://${formatIpv4(this.#serverAddress)}:${httpPort}/boot.ipxe`,
      leasesOf: (config: SubnetConfig) => this.#tableOf(config),
    }
  }

  ask(client: Omit<ClientPacket, 'type'>, subnet: string): Asked {
    const { network } = parseSubnet(subnet)
    const isLocal = subnetContains(parseSubnet(subnet), this.#serverAddress)
    const giaddr = isLocal ? {} : { giaddr: (network + 1) as Ipv4 }
    const message = decodeMessage(makeClientPacket({ ...client, type: 'discover', ...giaddr }))
    const source = { address: noAddress, port: 68, isUnicast: !isLocal, localPort: 67 as const }
    const who = identify(message, source, this.#context.directory)!
    const { decision } = decideOnInterface(who, this.#link, this.#context)
    if (decision.kind === 'ignore')
      return { answer: { kind: 'none', reason: decision.reason }, because: decision.reason }
    return {
      answer: { kind: 'answer', told: this.#toldBy(decision.message, who.machine?.address) },
      because: this.#withoutOwnAddress(decision.because),
    }
  }

  #withoutOwnAddress(text: string): string {
    return text.replaceAll(`//${formatIpv4(this.#serverAddress)}:`, `//${itself}:`)
  }

  /** One for each subnet: nothing is ever given, so all are told what the first would be. */
  #tableOf(config: SubnetConfig): LeaseTable {
    const known = [...this.#tables].find(([{ subnet }]) => subnet === config.subnet)?.[1]
    if (known) return known
    const made = new LeaseTable(config)
    this.#tables.set(config, made)
    return made
  }

  #toldBy({ yiaddr, siaddr, file, options }: Message, reserved: string | undefined): Partial<Record<ToldName, Said>> {
    const text = (code: number) => {
      const value = options.get(code)
      return value && Buffer.from(value).toString('latin1').replace(/\0+$/, '')
    }
    const address = formatIpv4(yiaddr)
    const all: [ToldName, string | undefined][] = [
      ['address', address === reserved ? address : yiaddr === 0 ? undefined : fromPool],
      ['boot file', this.#withoutOwnAddress(file || text(67) || '')],
      ['server', siaddr === this.#serverAddress ? itself : siaddr === 0 ? undefined : formatIpv4(siaddr)],
      ['root path', text(17)],
      ['209', text(209)],
      ['210', text(210)],
    ]
    return Object.fromEntries(all.flatMap(([name, said]) => (said ? [[name, { text: said }]] : [])))
  }
}

function recordOf({ name, macs = [], address, group = 'default' }: ImportedMachine): BootRecord {
  return {
    ...{ id: name, name, macs: macs.map(parseMac), group, intent: { kind: 'local', revision: 0 } },
    ...(address !== undefined && { address }),
  }
}

/** The last address of the subnet that neither site nor machines speak of. */
function unnamedAddress(subnet: Subnet, spoken: unknown): Ipv4 {
  const named = new Set(JSON.stringify(spoken).match(/\d+(\.\d+){3}/g))
  let address = broadcastAddress(subnet) - 1
  while (named.has(formatIpv4(address as Ipv4))) address--
  return address as Ipv4
}
