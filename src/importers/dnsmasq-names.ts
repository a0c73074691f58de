import type { NamesEntry } from '../dhcp/site-file.ts'
import { type Directive, splitParts } from './dnsmasq-directive.ts'
import { hostLabel } from './host-name.ts'
import type { ImportContext } from './imported.ts'
import type { SiteDraft } from './site-draft.ts'

const usualResolvFile = '/etc/resolv.conf'
/** dnsmasq's own address there: it asks others. */
const itself = '127.0.0.1'
const mostServers = 8

/**
 * DNS as dnsmasq did it: its domain, `hosts` (names and addresses of /etc/hosts) that are no machines, and the servers that it asked. Undefined where it answered no names, or where they
 * had no domain; that and what else has no counterpart is told to `draft`.
 */
export function readNames(
  directives: readonly Directive[],
  hosts: ReadonlyMap<string, string>,
  context: Pick<ImportContext, 'read'>,
  draft: SiteDraft,
): NamesEntry | undefined {
  const of = (...names: string[]) => directives.filter(({ name }) => names.includes(name))
  const ports = of('port')
  const servers = of('server', 'local')
  const domain = of('domain')
    .map(({ value }) => splitParts(value))
    .findLast((parts) => parts.length === 1 && parts[0] !== '#')?.[0]
  const isOff = ports.some(({ value }) => value === '0')
  if (isOff || domain === undefined) {
    const reason = isOff
      ? 'port=0 says that no names are answered'
      : 'names are answered in a domain here (names.domain), and no domain= names one'
    for (const line of servers) draft.leaveOut(line, reason)
    if (!isOff && servers.length === 0) draft.leaveOut({ ...directives[0]!, text: 'DNS' }, reason)
    return undefined
  }
  for (const line of ports) {
    if (line.value !== '53') draft.leaveOut(line, 'names are answered on port 53')
  }
  const asked = servers.flatMap((line) => {
    const server = serverOf(line.value, domain)
    if (server.kind === 'left-out') draft.leaveOut(line, server.reason)
    return server.kind === 'server' ? [server.address] : []
  })
  const files = of('resolv-file').map(({ value }) => value)
  const others =
    of('no-resolv').length > 0 ? [] : (files.length > 0 ? files : [usualResolvFile]).flatMap(serversIn(context, draft))
  const forward = [...new Set([...asked, ...others])].slice(0, mostServers)
  const addresses = of('no-hosts').length > 0 ? {} : addressesOf(hosts, domain, draft)
  return {
    domain,
    ...(forward.length > 0 && { forward }),
    ...(Object.keys(addresses).length > 0 && { addresses }),
  }
}

/** A machine's name is answered with its own address. */
function addressesOf(hosts: ReadonlyMap<string, string>, domain: string, draft: SiteDraft): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [name, address] of hosts) {
    if (address.startsWith('127.')) continue
    const isOurs = !name.includes('.') || name.toLowerCase() === `${name.split('.')[0]}.${domain}`.toLowerCase()
    const label = isOurs ? hostLabel(name) : undefined
    if (label === undefined) {
      const place = { file: '/etc/hosts', line: 0, text: `${address} ${name}` }
      draft.leaveOut(place, `it is no name in ${domain}, which alone is answered here`)
    } else if (!draft.hasAddress(label)) found[label] ??= address
  }
  return found
}

type Server = { kind: 'server'; address: string } | { kind: 'ours' } | { kind: 'left-out'; reason: string }

/** `1.2.3.4`, `1.2.3.4#5353`, `/some.domain/1.2.3.4`; `/our.domain/` says what is the case here. */
function serverOf(value: string, domain: string): Server {
  if (value.startsWith('/')) {
    const isOurs = value.toLowerCase() === `/${domain.toLowerCase()}/`
    return isOurs ? { kind: 'ours' } : { kind: 'left-out', reason: 'servers for some names only have no counterpart' }
  }
  const match = /^(\d{1,3}(?:\.\d{1,3}){3})(?:#(\d{1,5}))?$/.exec(value)
  if (!match) return { kind: 'left-out', reason: 'it is not of the form ADDRESS or ADDRESS#PORT, of IPv4' }
  return { kind: 'server', address: match[2] === undefined ? match[1]! : `${match[1]}:${match[2]}` }
}

function serversIn({ read }: Pick<ImportContext, 'read'>, draft: SiteDraft): (file: string) => string[] {
  return (file) => {
    try {
      return read(file)
        .split('\n')
        .flatMap((line) => /^nameserver\s+(\d{1,3}(?:\.\d{1,3}){3})\s*$/.exec(line)?.[1] ?? [])
        .filter((address) => address !== itself)
    } catch (error) {
      const place = { file, line: 0, text: file }
      draft.leaveOut(place, `which servers dnsmasq asked cannot be read: ${(error as Error).message}`)
      return []
    }
  }
}
