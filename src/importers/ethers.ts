import type { Mac } from '../bytes/mac.ts'
import { hostLabel, macName } from './host-name.ts'
import type { ImportContext, Imported, ImportedHost, NotTaken } from './imported.ts'
import { isIpv4, parseOldMac } from './old-address.ts'
import { SiteDraft } from './site-draft.ts'

/** Names to addresses, as `/etc/hosts` has them; the first address of a name counts, and IPv4 alone. */
export function parseHosts(text: string): Map<string, string> {
  const addresses = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*$/, '').trim().split(/\s+/)
    if (!isIpv4(address)) continue
    for (const name of names) if (!addresses.has(name)) addresses.set(name, address)
  }
  return addresses
}

/** The names of this machine's `/etc/hosts`; none where there is no such file. */
export function readHosts({ read }: Pick<ImportContext, 'read'>): Map<string, string> {
  try {
    return parseHosts(read('/etc/hosts'))
  } catch {
    return new Map()
  }
}

/** `/etc/ethers` (ethers(5)): a MAC and a name, or the address itself as dnsmasq allows. Names get theirs from `hosts`. */
export function parseEthers(
  file: string,
  text: string,
  hosts: ReadonlyMap<string, string>,
): { hosts: ImportedHost[]; notTaken: NotTaken[] } {
  const notTaken: NotTaken[] = []
  const found = text.split('\n').flatMap((raw, index) => {
    const line = raw.replace(/#.*$/, '').trim()
    if (line === '') return []
    const place = { file, line: index + 1 }
    const refuse = (reason: string) => {
      notTaken.push({ ...place, text: line, reason })
      return []
    }
    const [macText = '', named, ...more] = line.split(/\s+/)
    if (named === undefined || more.length > 0) return refuse('a line is a MAC address and a name')
    const mac = readMac(macText)
    if (!mac) return refuse(`${macText} is no MAC address`)
    const isAddress = isIpv4(named)
    const name = isAddress ? macName(mac) : hostLabel(named)
    if (name === undefined) return refuse(`${named} is no host name`)
    const address = isAddress ? named : hosts.get(named)
    return [{ name, macs: [mac], ...(address !== undefined && { address }), settings: {}, place }]
  })
  return { hosts: found, notTaken }
}

/** Leading zeros may be missing there: `8:0:20:1:2:3`. */
function readMac(text: string): Mac | undefined {
  if (!/^([0-9a-f]{1,2}:){5}[0-9a-f]{1,2}$/i.test(text)) return undefined
  return parseOldMac(text)
}

/** `/etc/ethers` by itself, names looked up in `/etc/hosts`. Throws what the file system throws. */
export function importEthers(path: string, { read }: ImportContext): Imported {
  const draft = new SiteDraft()
  const { hosts, notTaken } = parseEthers(path, read(path), parseHosts(read('/etc/hosts')))
  draft.notTaken.push(...notTaken)
  for (const host of hosts) {
    const problem = draft.addHost(host)
    if (problem !== undefined) draft.leaveOut({ ...host.place, text: `${host.macs[0]} ${host.name}` }, problem)
  }
  return draft.finish()
}
