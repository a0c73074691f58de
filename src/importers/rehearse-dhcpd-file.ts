import { formatSubnet, parseIpv4, parseSubnet, prefixLengthOf, subnetContains, subnetOf } from '../bytes/ipv4.ts'
import type { Mac } from '../bytes/mac.ts'
import type { Statement, Word } from './dhcpd-statement.ts'
import type { Place } from './imported.ts'
import { parseOldMac } from './old-address.ts'

/** Statements of one block: what dhcpd executes together. */
export type DhcpdScope = readonly Statement[]

export type DhcpdSubnet = {
  /** `10.0.0.0/24` */
  subnet: string
  /** The shared-network it belongs to; its own subnet where it stands alone. */
  network: string
  /** From the outermost inwards. */
  scopes: readonly DhcpdScope[]
  /** Those with a range; a range outside pools is one by itself. */
  pools: (DhcpdScope | undefined)[]
}

export type DhcpdHost = {
  name: string
  mac: Mac
  addresses: readonly string[]
  scopes: readonly DhcpdScope[]
  place: Place
}

/** `condition` of `match if`; `data` of `match`, which its subclasses compare. */
export type DhcpdClass = {
  name: string
  scope: DhcpdScope
  condition?: readonly Word[]
  data?: readonly Word[]
  subclasses: { value: readonly Word[]; scope: DhcpdScope }[]
}

/** A dhcpd.conf by what stands in what, as dhcpd itself keeps it. */
export class DhcpdFile {
  readonly global: DhcpdScope
  readonly subnets: DhcpdSubnet[] = []
  readonly hostsByMac = new Map<Mac, DhcpdHost[]>()
  readonly classes: DhcpdClass[] = []

  /** `lookUp`: the address of a name. */
  constructor(statements: readonly Statement[], lookUp: (name: string) => string | undefined) {
    this.global = statements
    this.#walk(statements, [], undefined, lookUp)
  }

  /** The subnet an address is in. */
  subnetOf(address: string): DhcpdSubnet | undefined {
    const inside = parseIpv4(address)
    return this.subnets.find(({ subnet }) => subnetContains(parseSubnet(subnet), inside))
  }

  #walk(
    scope: DhcpdScope,
    outer: readonly DhcpdScope[],
    network: string | undefined,
    lookUp: (name: string) => string | undefined,
  ): void {
    for (const statement of scope) {
      const { words, block = [] } = statement
      const [kind = '', name = '', , mask = ''] = words.map(({ text }) => text)
      const scopes = [...outer, block]
      if (kind === 'subnet') this.#addSubnet(name, mask, block, { outer, network })
      if (kind === 'pool') this.#addPool(block)
      if (kind === 'shared-network') this.#walk(block, scopes, name, lookUp)
      else if (/^(subnet|group|pool)$/.test(kind)) this.#walk(block, scopes, network, lookUp)
      if (kind === 'host') this.#addHost(name, statement, scopes, lookUp)
      if (kind === 'class') this.#addClass(name, block)
      if (kind === 'subclass') {
        this.classes.find((each) => each.name === name)?.subclasses.push({ value: words.slice(2), scope: block })
      }
    }
  }

  #addSubnet(
    address: string,
    mask: string,
    block: DhcpdScope,
    { outer, network }: { outer: readonly DhcpdScope[]; network: string | undefined },
  ): void {
    const subnet = formatSubnet(subnetOf(parseIpv4(address), prefixLengthOf(parseIpv4(mask))))
    const pools = firstOfRange(block) === undefined ? [] : [undefined]
    this.subnets.push({ subnet, network: network ?? subnet, scopes: [...outer, block], pools })
  }

  /** It may stand in a shared-network, behind its subnets. */
  #addPool(block: DhcpdScope): void {
    const first = firstOfRange(block)
    if (first !== undefined) this.subnetOf(first)?.pools.push(block)
  }

  #addHost(
    name: string,
    { block = [], file, line }: Statement,
    scopes: readonly DhcpdScope[],
    lookUp: (name: string) => string | undefined,
  ): void {
    const valuesOf = (fact: string) =>
      block
        .filter(({ words }) => words[0]?.text === fact)
        .flatMap(({ words }) => words.slice(1).map(({ text }) => text))
    const hardware = valuesOf('hardware').at(-1)
    if (hardware === undefined) return
    const mac = parseOldMac(hardware)
    const addresses = valuesOf('fixed-address')
      .filter((text) => text !== ',')
      .flatMap((text) => (/^[\d.]+$/.test(text) ? text : (lookUp(text) ?? [])))
    const known = this.hostsByMac.get(mac) ?? []
    this.hostsByMac.set(mac, [...known, { name, mac, addresses, scopes, place: { file, line } }])
  }

  #addClass(name: string, block: DhcpdScope): void {
    const words = block.find(({ words: [first] }) => first?.text === 'match')?.words.slice(1)
    const isCondition = words?.[0]?.text === 'if'
    this.classes.push({
      ...{ name, scope: block, subclasses: [] },
      ...(words && (isCondition ? { condition: words.slice(1) } : { data: words })),
    })
  }
}

function firstOfRange(scope: DhcpdScope): string | undefined {
  const range = scope.find(({ words }) => words[0]?.text === 'range')
  return range?.words.map(({ text }) => text).find((text) => /^[\d.]+$/.test(text))
}
