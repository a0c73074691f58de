import { type Mac, macToBytes } from '../bytes/mac.ts'
import { dhcpdOptionCodes } from './dhcpd-option.ts'
import { parseStatements, type Statement, type Word } from './dhcpd-statement.ts'
import { readHosts } from './ethers.ts'
import type { ImportContext } from './imported.ts'
import {
  fromPool,
  type OldClient,
  type OldServer,
  type Said,
  type ServerAnswer,
  Unclear,
  unlessUnclear,
} from './old-server.ts'
import { type ExpressionClient, evaluateExpression } from './rehearse-dhcpd-expression.ts'
import { DhcpdFile, type DhcpdScope, type DhcpdSubnet } from './rehearse-dhcpd-file.ts'

/** What the statements executed so far have said, by `filename`, `next-server`, `booting`, or an option's code. */
type SaidSoFar = Map<string, Said>

/**
 * ISC dhcpd 4.4, as its file has it answer a DHCPDISCOVER: the statements are executed scope by scope, and what is said
 * later holds. Throws StatementInvalid and what the file system throws.
 */
export class RehearsedDhcpd implements OldServer {
  readonly machines: OldServer['machines']
  readonly subnets: readonly string[]
  readonly knowsMacs: boolean
  readonly #file: DhcpdFile
  readonly #executables = new Map<DhcpdScope, DhcpdScope>()
  readonly #codes = new Map<string, number>(dhcpdOptionCodes)

  constructor(path: string, context: ImportContext) {
    const statements = parseStatements(path, context)
    const names = readHosts(context)
    this.#file = new DhcpdFile(statements, (name) => names.get(name))
    this.subnets = this.#file.subnets.map(({ subnet }) => subnet)
    this.knowsMacs = JSON.stringify(statements).includes('AAPLBSDPC')
    for (const { words } of statements) this.#define(words)
    const [first = ''] = this.subnets
    this.machines = [...this.#file.hostsByMac.values()].flat().map(({ name, mac, addresses: [address] }) => {
      const subnet = address === undefined ? first : (this.#file.subnetOf(address)?.subnet ?? first)
      return { name, mac, subnet }
    })
  }

  answer(client: OldClient): ServerAnswer {
    return unlessUnclear(() => this.#answer(client))
  }

  #answer({ mac, options, subnet }: OldClient): ServerAnswer {
    const asked = this.#file.subnets.find((each) => each.subnet === subnet)
    if (!asked) return { kind: 'none', reason: `it has no subnet ${subnet}` }
    const hosts = this.#file.hostsByMac.get(mac) ?? []
    const client = this.#expressionClient(mac, options, hosts.length > 0)
    const inNetwork = (address: string) => this.#file.subnetOf(address)?.network === asked.network
    const fixed = hosts.find(({ addresses }) => addresses.some(inNetwork))
    const address = fixed?.addresses.find(inNetwork)
    const classes = this.#classesOf(client)
    const lease = address === undefined ? this.#poolFor(asked, client, classes) : undefined
    if (address === undefined && !lease) return { kind: 'none', reason: 'no pool there is for it' }
    const place = lease?.subnet ?? this.#file.subnetOf(address!)!
    const network = [this.#file.global, ...place.scopes, ...(lease?.pool ? [lease.pool] : [])]
    const own = (fixed ?? hosts.find(({ addresses }) => addresses.length === 0))?.scopes ?? []
    const inner = own.filter((scope) => !network.includes(scope))
    // of several classes the first holds
    const said: SaidSoFar = new Map()
    for (const scope of [...network, ...classes.toReversed().flatMap((each) => each.scopes), ...inner]) {
      this.#execute(scope, client, said)
    }
    return answerOf(said, client.isKnown, {
      address: { text: address ?? fromPool, ...(fixed && { place: fixed.place }) },
      asked: askedFor(said, options),
    })
  }

  /** Of all subnets on one cable, those pools that are for this client. */
  #poolFor(asked: DhcpdSubnet, client: ExpressionClient, classes: readonly { name: string }[]) {
    const names = classes.map(({ name }) => name)
    const there = this.#file.subnets.filter(({ network }) => network === asked.network)
    const pools = there.flatMap((subnet) => subnet.pools.map((pool) => ({ subnet, ...(pool && { pool }) })))
    return pools.find(({ pool = [] }) => isPermitted(pool, client.isKnown, names))
  }

  #classesOf(client: ExpressionClient): { name: string; scopes: readonly DhcpdScope[] }[] {
    return this.#file.classes.flatMap(({ name, scope, condition, data, subclasses }) => {
      if (condition) return evaluateExpression(condition, client) === true ? [{ name, scopes: [scope] }] : []
      if (!data) return []
      const value = evaluateExpression(data, client)
      const found = subclasses.find((each) => evaluateExpression(each.value, client) === value)
      return found ? [{ name, scopes: [scope, found.scope] }] : []
    })
  }

  #execute(scope: DhcpdScope, client: ExpressionClient, said: SaidSoFar): void {
    let isDecided = false
    for (const statement of this.#executable(scope)) {
      const [first, second] = statement.words
      if (first?.text === 'if' || /^els(e|if)$/.test(first?.text ?? '')) {
        if (first?.text === 'if') isDecided = false
        const asked = statement.words.slice(second?.text === 'if' ? 2 : 1)
        if (isDecided || (asked.length > 0 && evaluateExpression(asked, client) !== true)) continue
        isDecided = true
        this.#execute(statement.block ?? [], client, said)
      } else if (!statement.block) this.#say(statement, client, said)
    }
  }

  /** Thousands of hosts may stand in a scope, which say nothing there. */
  #executable(scope: DhcpdScope): DhcpdScope {
    const known = this.#executables.get(scope)
    if (known) return known
    const found = scope.filter(({ words, block }) => !block || /^(if|els(e|if))$/.test(words[0]?.text ?? ''))
    this.#executables.set(scope, found)
    return found
  }

  #say({ words, file, line }: Statement, client: ExpressionClient, said: SaidSoFar): void {
    const [first, second, ...rest] = words
    const place = { file, line }
    const put = (name: string, values: readonly Word[]) => {
      const text = textOf(values, client)
      if (text === undefined) said.delete(name)
      else said.set(name, { text, place })
    }
    if (/^(filename|next-server)$/.test(first?.text ?? '')) put(first!.text, words.slice(1))
    if (first?.text === 'switch') throw new Unclear(`${file}:${line}: what a switch comes to is not known here`)
    const code = first?.text === 'option' ? this.#codes.get(second?.text ?? '') : undefined
    if (code !== undefined && rest[0]?.text !== 'code') put(String(code), rest)
    if (!/^(allow|deny|ignore)$/.test(first?.text ?? '')) return
    const what = words
      .slice(1)
      .map(({ text }) => text)
      .join('-')
    said.set(what, { text: first!.text, place })
  }

  #define([option, name, code, number]: readonly Word[]): void {
    if (option?.text !== 'option' || code?.text !== 'code' || name === undefined) return
    this.#codes.set(name.text, Number(number?.text))
  }

  #expressionClient(mac: Mac, options: OldClient['options'], isKnown: boolean): ExpressionClient {
    const ethernet = 1
    return {
      isKnown,
      hardware: String.fromCharCode(ethernet, ...macToBytes(mac)),
      option: (name) => {
        const code = this.#codes.get(name.replace(/^dhcp\./, ''))
        if (code === undefined) throw new Unclear(`no option ${name} is known`)
        const value = options.get(code)
        return value && Buffer.from(value).toString('latin1')
      },
    }
  }
}

/** The text of a value; addresses and numbers as they stand. Undefined where what it is made of is not there. */
function textOf(values: readonly Word[], client: ExpressionClient): string | undefined {
  const [first] = values
  const isComputed = first?.text === '=' || values.some(({ text, isQuoted }) => text === '(' && !isQuoted)
  if (!isComputed) return values.map(({ text }) => text).join('')
  const value = evaluateExpression(first?.text === '=' ? values.slice(1) : values, client)
  return value === undefined ? undefined : String(value)
}

/** What it asks for in option 55, or what the file says that it does; undefined where nobody says. */
function askedFor(said: SaidSoFar, options: OldClient['options']): Set<string> | undefined {
  const text = said.get('55')?.text
  const bytes = text === undefined ? options.get(55) : Buffer.from(text, 'latin1')
  return bytes && new Set([...bytes].map(String))
}

function answerOf(
  said: SaidSoFar,
  isKnown: boolean,
  { address, asked }: { address: Said; asked: Set<string> | undefined },
): ServerAnswer {
  const isRefused = (what: string) => /^(deny|ignore)$/.test(said.get(what)?.text ?? '')
  if (!isKnown && isRefused('unknown-clients')) return { kind: 'none', reason: 'unknown clients are denied' }
  if (isRefused('booting')) return { kind: 'none', reason: 'booting is denied' }
  const option = (code: string) => (!asked || asked.has(code) ? said.get(code) : undefined)
  const [bootFile, server] = [said.get('filename') ?? option('67'), said.get('next-server') ?? option('66')]
  const [rootPath, configuration, prefix] = [option('17'), option('209'), option('210')]
  return {
    kind: 'answer',
    told: {
      address,
      ...(bootFile && { 'boot file': bootFile }),
      ...(server && { server }),
      ...(rootPath && { 'root path': rootPath }),
      ...(configuration && { '209': configuration }),
      ...(prefix && { '210': prefix }),
    },
  }
}

/** Who a pool is for: nobody that is denied, and where somebody is allowed, nobody else (dhcpd.conf(5)). */
function isPermitted(pool: DhcpdScope, isKnown: boolean, classes: readonly string[]): boolean {
  const lists = { allow: [] as string[], deny: [] as string[] }
  for (const { words } of pool) {
    const [verb, ...rest] = words.map(({ text }) => text)
    if (verb === 'allow' || verb === 'deny') lists[verb].push(rest.join(' ').replace(/-/g, ' '))
  }
  const isAmong = (permit: string) =>
    permit === 'all clients' ||
    permit === (isKnown ? 'known clients' : 'unknown clients') ||
    classes.some((name) => permit === `members of ${name.replace(/-/g, ' ')}`)
  return !lists.deny.some(isAmong) && (lists.allow.length === 0 || lists.allow.some(isAmong))
}
