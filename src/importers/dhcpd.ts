import { formatSubnet, parseIpv4, prefixLengthOf, subnetOf } from '../bytes/ipv4.ts'
import type { ClassEntry, SettingsEntry, SubnetEntry } from '../dhcp/site-file.ts'
import { matchesOf } from './dhcpd-condition.ts'
import { DhcpdOptions } from './dhcpd-option.ts'
import { settingsOfParameter } from './dhcpd-parameter.ts'
import { parseStatements, type Statement, sentence, type Word } from './dhcpd-statement.ts'
import { readHosts } from './ethers.ts'
import { hostLabel } from './host-name.ts'
import type { ImportContext, Imported } from './imported.ts'
import { parseOldMac } from './old-address.ts'
import { mergeSettings, SiteDraft } from './site-draft.ts'

/** dhcpd's own lease time (dhcpd.conf(5), default-lease-time). */
const usualLeaseSeconds = 43_200

/**
 * An ISC dhcpd.conf (4.4) and what it includes. What has no counterpart is in `notTaken`. Throws StatementInvalid for
 * what is no dhcpd.conf at all, and what the file system throws.
 */
export function importDhcpd(path: string, context: ImportContext): Imported {
  return new DhcpdImport(context).run(parseStatements(path, context))
}

/** Where a statement stands: what its settings go into, and what hosts there belong to. */
type Scope = {
  kind: 'global' | 'shared-network' | 'subnet' | 'pool' | 'group' | 'class'
  settings: SettingsEntry
  group?: string
  subnet?: SubnetEntry
}

class DhcpdImport {
  readonly #draft = new SiteDraft()
  readonly #options = new DhcpdOptions()
  readonly #classes: ClassEntry[] = []
  readonly #hosts: ReadonlyMap<string, string>

  constructor(context: ImportContext) {
    this.#hosts = readHosts(context)
  }

  run(statements: readonly Statement[]): Imported {
    this.#draft.settings.leaseSeconds = usualLeaseSeconds
    this.#walk(statements, { kind: 'global', settings: this.#draft.settings })
    // they win over conditions, and the first of them over the others
    this.#draft.classes.push(...this.#classes.reverse())
    this.#draft.preferGroups()
    return this.#draft.finish()
  }

  #walk(statements: readonly Statement[], scope: Scope): void {
    for (let at = 0; at < statements.length; at++) {
      const statement = statements[at]!
      if (statement.words[0]?.text === 'if') {
        const chain = [statement]
        while (/^els(e|if)$/.test(statements[at + 1]?.words[0]?.text ?? '')) chain.push(statements[++at]!)
        this.#conditions(chain, scope)
      } else this.#take(statement, () => this.#statement(statement, scope))
    }
  }

  #take(statement: Statement, take: () => string | undefined): void {
    try {
      const problem = take()
      if (problem !== undefined) this.#leaveOut(statement, problem)
    } catch (error) {
      this.#leaveOut(statement, (error as Error).message)
    }
  }

  #leaveOut({ words, file, line, block }: Statement, reason: string): void {
    this.#draft.leaveOut({ file, line, text: `${sentence(words)}${block ? ' { … }' : ''}` }, reason)
  }

  #statement(statement: Statement, scope: Scope): string | undefined {
    const { words, block } = statement
    const [name = '', value = ''] = words.map(({ text }) => text)
    if (block) return this.#block(statement, name, scope)
    if (name === 'range') return this.#range(statement, scope)
    if (/^(allow|deny|ignore)$/.test(name)) return this.#permission(statement, scope)
    if (name === 'option' && value === 'space') return 'option spaces have no counterpart'
    const definition = name === 'option' ? this.#options.define(words) : false
    if (definition !== false) return definition === true ? undefined : definition
    const settings = name === 'option' ? this.#options.settingsOf(words) : settingsOfParameter(statement)
    if (typeof settings === 'string') return settings
    mergeSettings(scope.settings, settings)
    return undefined
  }

  #block(statement: Statement, name: string, scope: Scope): string | undefined {
    const block = statement.block!
    const [, value = ''] = statement.words.map(({ text }) => text)
    switch (name) {
      case 'subnet':
        return this.#subnet(statement, scope)
      case 'pool':
        return this.#pool(block, scope)
      case 'shared-network':
        this.#walk(ownFirst(block), { ...scope, kind: 'shared-network', settings: {} })
        return undefined
      case 'group':
        return this.#group(statement, value, scope)
      case 'host':
        return this.#host(statement, scope)
      case 'class':
        return this.#class(statement, value)
      default:
        return 'it is not known here'
    }
  }

  #subnet({ words, block }: Statement, scope: Scope): string | undefined {
    const [, network = '', , mask = ''] = words.map(({ text }) => text)
    const entry = this.#draft.subnet(formatSubnet(subnetOf(parseIpv4(network), prefixLengthOf(parseIpv4(mask)))))
    // without a range, dhcpd leases nothing there
    entry.pools ??= []
    if (scope.kind === 'shared-network') mergeSettings(entry, scope.settings)
    this.#walk(block!, { ...scope, kind: 'subnet', settings: entry, subnet: entry })
    return undefined
  }

  /** Its ranges are the subnet's; what it says beside them would hold for its own addresses alone. */
  #pool(block: readonly Statement[], scope: Scope): string | undefined {
    const settings: SettingsEntry = {}
    this.#walk(block, { ...scope, kind: 'pool', settings })
    const said = Object.keys(settings)
    return said.length === 0 ? undefined : `${said.join(', ')}: what holds in one pool alone has no counterpart`
  }

  #range({ words }: Statement, { subnet }: Scope): string | undefined {
    const addresses = words.slice(1).map(({ text }) => text)
    const isForBootp = addresses[0] === 'dynamic-bootp'
    const [first = '', last = first] = isForBootp ? addresses.slice(1) : addresses
    if (!subnet) return 'a range belongs into a subnet'
    subnet.pools = [...(subnet.pools ?? []), `${first}-${last}`]
    if (isForBootp) subnet.bootp = 'dynamic'
    return undefined
  }

  #permission({ words }: Statement, { kind, subnet, settings }: Scope): string | undefined {
    const [verb, ...rest] = words.map(({ text }) => text)
    const what = rest.join(' ').replace(/^dynamic bootp clients$/, 'bootp')
    const isAllowed = verb === 'allow'
    if (what === 'booting' && !isAllowed && kind !== 'pool') {
      settings.answer = false
      return undefined
    }
    if (/^(known[- ]clients|booting|client-updates|duplicates|declines|leasequery)$/.test(what)) {
      return isAllowed || what === 'client-updates' ? undefined : 'it has no counterpart'
    }
    if (/^unknown[- ]clients$/.test(what)) {
      if (isAllowed) return undefined
      if (subnet) subnet.unknown = 'ignore'
      else if (kind === 'global') this.#draft.isUnknownIgnored = true
      else return 'unknown machines are ignored in a subnet, or everywhere'
      return undefined
    }
    if (what !== 'bootp') return 'who may use a pool has no counterpart'
    if (!isAllowed && subnet) subnet.bootp = 'ignore'
    return isAllowed || subnet ? undefined : 'BOOTP is refused subnet by subnet: bootp: ignore'
  }

  /** A group without settings of its own is only brackets. */
  #group({ block, line }: Statement, name: string, scope: Scope): string | undefined {
    const settings: SettingsEntry = scope.group === undefined ? {} : { ...this.#draft.group(scope.group) }
    const group = hostLabel(name) ?? `group-${line}`
    const ordered = ownFirst(block!)
    const hosts = ordered.findIndex(({ words }) => words[0]?.text === 'host' || words[0]?.text === 'group')
    const own = ordered.slice(0, hosts < 0 ? undefined : hosts)
    this.#walk(own, { ...scope, kind: 'group', settings })
    const isSaid = Object.keys(settings).length > 0
    if (isSaid) mergeSettings(this.#draft.group(group), settings)
    const inside = { ...scope, kind: 'group' as const, settings, ...(isSaid && { group }) }
    this.#walk(ordered.slice(own.length), inside)
    return undefined
  }

  #host({ words, block, file, line }: Statement, { group }: Scope): string | undefined {
    const given = words[1]?.text ?? ''
    const name = hostLabel(given)
    if (name === undefined) return `${given} is no host name`
    const settings: SettingsEntry = {}
    const facts = new Map<string, string>()
    const isFact = ({ words: [first] }: Statement) => first?.text === 'hardware' || first?.text === 'fixed-address'
    for (const { words: fact } of block!.filter(isFact)) facts.set(fact[0]!.text, fact.at(-1)!.text)
    this.#walk(
      block!.filter((statement) => !isFact(statement) && !isHostName(statement, given)),
      { kind: 'group', settings },
    )
    const mac = facts.get('hardware')
    if (mac === undefined) return 'it has no MAC address; machines are known by theirs'
    const where = facts.get('fixed-address')
    const address = where === undefined || /^[\d.]+$/.test(where) ? where : this.#hosts.get(where)
    if (where !== undefined && address === undefined) return `the hosts file has no address for ${where}`
    return this.#draft.addHost({
      ...{
        name,
        macs: [parseOldMac(mac)],
        settings,
      },
      ...(address !== undefined && { address }),
      ...(group !== undefined && { group }),
      place: { file, line },
    })
  }

  #class({ block }: Statement, name: string): string | undefined {
    const condition = block!.find(({ words }) => words[0]?.text === 'match')
    const [, then, ...asked] = condition?.words ?? []
    if (then?.text !== 'if')
      return 'classes by a list of clients have no counterpart; give the machines settings of their own'
    const own = block!.filter((statement) => statement !== condition)
    return this.#addClass(name, { asked, block: own }, this.#classes)
  }

  /** What the last `else` says holds for everybody; the conditions are classes, the first one last, because it wins. */
  #conditions(chain: readonly Statement[], scope: Scope): void {
    const reason = this.#whyNotAsked(scope)
    for (const statement of chain.toReversed()) {
      if (reason === undefined) this.#take(statement, () => this.#condition(statement, scope))
      else this.#leaveOut(statement, reason)
    }
  }

  #whyNotAsked({ kind }: Scope): string | undefined {
    if (kind === 'global' || (kind === 'subnet' && this.#draft.subnets.length === 1)) return undefined
    return `classes here are asked everywhere, and this stands in ${kind === 'subnet' ? 'one of several subnets' : `a ${kind}`}`
  }

  #condition({ words, block }: Statement, scope: Scope): string | undefined {
    const asked = words.slice(words[1]?.text === 'if' ? 2 : 1)
    if (asked.length === 0) {
      this.#walk(block!, scope)
      return undefined
    }
    return this.#addClass(sentence(asked), { asked, block: block! }, this.#draft.classes)
  }

  #addClass(
    name: string,
    { asked, block }: { asked: readonly Word[]; block: readonly Statement[] },
    to: ClassEntry[],
  ): string | undefined {
    const matches = matchesOf(asked, this.#options)
    if (typeof matches === 'string') return matches
    const settings: SettingsEntry = {}
    this.#walk(block, { kind: 'class', settings })
    for (const match of matches) to.push({ name, match, ...settings })
    return undefined
  }
}

/** Settings hold for what stands before them as well. */
function ownFirst(block: readonly Statement[]): Statement[] {
  return block.toSorted((a, b) => Number(a.block !== undefined) - Number(b.block !== undefined))
}

/** The machine's name says the same. */
function isHostName({ words }: Statement, name: string): boolean {
  const [option, hostName, value] = words.map(({ text }) => text)
  return option === 'option' && hostName === 'host-name' && value === name
}
