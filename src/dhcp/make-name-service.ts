import { type Ipv4, parseIpv4 } from '../bytes/ipv4.ts'
import type { NameService, Upstream } from '../core/name-service.ts'
import type { FileProblem } from '../core/yaml-file.ts'
import type { ClientSettings } from './client-settings.ts'
import type { DhcpInterface } from './dhcp-site.ts'
import type { NamesEntry } from './site-file.ts'

const usualPort = 53

/** What `names:` of a site file says; `refuse` is told what in it cannot be, by its place below `names`. */
export function makeNameService(
  { domain, forward = [], interfaces, addresses = {} }: NamesEntry,
  {
    links,
    ownAddresses,
    refuse,
  }: {
    links: readonly DhcpInterface[]
    ownAddresses: readonly Ipv4[]
    refuse: (problem: FileProblem) => void
  },
): NameService {
  const answered = links.filter(({ isSilent }) => !isSilent).map(({ name }) => name)
  for (const [index, name] of (interfaces ?? []).entries()) {
    if (answered.includes(name)) continue
    const others = answered.join(', ') || 'none'
    refuse({
      path: ['interfaces', index],
      message: `${name} is not among the interfaces that are answered (${others})`,
    })
  }
  const upstreams = forward.flatMap((text, index) => {
    const upstream = readUpstream(text, ownAddresses)
    if (typeof upstream !== 'string') return [upstream]
    refuse({ path: ['forward', index], message: upstream })
    return []
  })
  const named = Object.entries(addresses).flatMap(([name, text]) => {
    try {
      return [{ name, address: parseIpv4(text) }]
    } catch (error) {
      refuse({ path: ['addresses', name], message: (error as Error).message })
      return []
    }
  })
  return { domain: domain.toLowerCase(), upstreams, interfaces: interfaces ?? answered, addresses: named }
}

/** A sentence where it cannot be asked. */
function readUpstream(text: string, ownAddresses: readonly Ipv4[]): Upstream | string {
  const [address = '', port = String(usualPort)] = text.split(':')
  try {
    const number = parseIpv4(address)
    const isOwn = ownAddresses.includes(number) && Number(port) === usualPort
    if (isOwn) return `${address} is this server's own: it would ask itself`
  } catch (error) {
    return (error as Error).message
  }
  return Number(port) > 0 && Number(port) < 65_536 ? { address, port: Number(port) } : `there is no port ${port}`
}

/** What clients of an interface are told where nobody says otherwise. */
export function namesForClients(
  names: NameService | undefined,
  { name, serverAddress }: DhcpInterface,
): Pick<ClientSettings, 'nameServers' | 'domainName'> {
  if (!names?.interfaces.includes(name)) return {}
  return { nameServers: [serverAddress], domainName: names.domain }
}
