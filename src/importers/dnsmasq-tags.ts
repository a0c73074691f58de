import type { ClassEntry } from '../dhcp/site-file.ts'
import { type Directive, splitParts, takeTags } from './dnsmasq-directive.ts'

export type Match = ClassEntry['match']

/** Who a line with tags speaks to. `negated` are the tags it spares. */
export type Audience =
  | { kind: 'everybody'; negated: readonly string[] }
  | { kind: 'subnet'; subnet: string; negated: readonly string[] }
  | { kind: 'group'; group: string; negated: readonly string[] }
  | { kind: 'class'; name: string; matches: readonly Match[]; negated: readonly string[] }

/** Options that dhcp-match can look at and a class can too, by dnsmasq's names and codes. */
const matchOptions: Record<string, 'architecture' | 'vendorClass' | 'userClass' | 'etherboot'> = {
  '93': 'architecture',
  'option:client-arch': 'architecture',
  '60': 'vendorClass',
  'option:vendor-class': 'vendorClass',
  '77': 'userClass',
  'option:user-class': 'userClass',
  '175': 'etherboot',
}

/** What gives clients their tags. */
export class DnsmasqTags {
  readonly #matches = new Map<string, Match[]>()
  readonly #hosts = new Set<string>()
  readonly #subnets = new Map<string, string>()

  addHost(tag: string): void {
    this.#hosts.add(tag)
  }

  addSubnet(tag: string, subnet: string): void {
    this.#subnets.set(tag, subnet)
  }

  /** dhcp-match, dhcp-vendorclass, dhcp-userclass and dhcp-mac: what is wrong with it, or undefined. */
  addMatch({ name, value }: Directive): string | undefined {
    const { sets, tags, rest } = takeTags(splitParts(value))
    const [tag = rest.shift()] = sets
    if (tag === undefined || tags.length > 0 || sets.length > 1) return 'it is not of the form set:TAG,…'
    const match = matchOf(name, rest)
    if (typeof match === 'string') return match
    const known = this.#matches.get(tag) ?? []
    const [first] = known
    if (first?.architecture && match.architecture) first.architecture.push(...match.architecture)
    else if (first?.oui && match.oui) first.oui.push(...match.oui)
    else this.#matches.set(tag, [...known, match])
    return undefined
  }

  /** A sentence where these tags together have no counterpart. */
  audienceOf(tags: readonly string[]): Audience | string {
    const negated = tags.filter((tag) => tag.startsWith('!')).map((tag) => tag.slice(1))
    const positive = tags.filter((tag) => !tag.startsWith('!'))
    const unknown = positive.find((tag) => !this.#isKnown(tag))
    if (unknown !== undefined) return `nothing sets the tag ${unknown}`
    const classes = positive.filter((tag) => this.#matches.has(tag))
    const groups = positive.filter((tag) => this.#hosts.has(tag))
    const subnets = positive.filter((tag) => this.#subnets.has(tag))
    if (Number(classes.length > 0) + groups.length + subnets.length > 1) {
      return 'a class, a group and a subnet cannot be asked for together'
    }
    const [group, subnet] = [groups[0], subnets[0]]
    if (group !== undefined) return { kind: 'group', group, negated }
    if (subnet !== undefined) return { kind: 'subnet', subnet: this.#subnets.get(subnet)!, negated }
    if (classes.length === 0) return { kind: 'everybody', negated }
    const matches = classes.map((tag) => this.#matches.get(tag)!).reduce(bothOf)
    if (matches.length === 0) return 'these classes exclude one another'
    return { kind: 'class', name: classes.join(' and '), matches, negated }
  }

  #isKnown(tag: string): boolean {
    return this.#matches.has(tag) || this.#hosts.has(tag) || this.#subnets.has(tag)
  }
}

function matchOf(directive: string, parts: readonly string[]): Match | string {
  const [first = '', ...values] = parts
  if (directive === 'dhcp-vendorclass') return first ? { vendorClass: `${first}*` } : 'it names no class'
  if (directive === 'dhcp-userclass') return first ? { userClass: first } : 'it names no class'
  if (directive === 'dhcp-mac') {
    const [, oui] = /^(?:[0-9a-f]{1,2}-)?((?:[0-9a-f]{2}:){2}[0-9a-f]{2}):\*:\*:\*$/i.exec(first) ?? []
    return oui ? { oui: [oui.toLowerCase()] } : 'only a pattern of three known bytes and three stars has a counterpart'
  }
  const option = matchOptions[first]
  if (!option)
    return `${first || 'no option'} is not among what a class can look at (options 60, 77, 93, and 175 for iPXE)`
  if (option === 'etherboot') return { userClass: 'iPXE' }
  if (values.length === 0) return 'that an option is there at all has no counterpart; give its value'
  if (option === 'vendorClass') return { vendorClass: `${values[0]!}*` }
  if (option === 'userClass') return { userClass: values[0]! }
  const numbers = values.map(architectureNumber)
  return numbers.includes(Number.NaN) ? `${values.join(',')} is no architecture` : { architecture: numbers }
}

/** Decimal as in `7`, or the bytes as in `00:07`. */
function architectureNumber(text: string): number {
  if (/^[0-9a-f]{1,2}:[0-9a-f]{1,2}$/i.test(text)) return Number.parseInt(text.replace(':', ''), 16)
  return /^\d+$/.test(text) ? Number(text) : Number.NaN
}

/** Every one of the first with every one of the second, where they speak of different things. */
function bothOf(first: readonly Match[], second: readonly Match[]): Match[] {
  return first.flatMap((a) =>
    second.filter((b) => Object.keys(a).every((key) => !(key in b))).map((b) => ({ ...a, ...b })),
  )
}
