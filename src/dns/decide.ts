import type { Answer } from 'dns-packet'
import { formatIpv4, type Ipv4, type Subnet } from '../bytes/ipv4.ts'
import type { NameBook } from './name-book.ts'
import { type Query, rcode } from './query.ts'
import { type Reply, refusal } from './reply.ts'
import { formatReverseName, isWithin, parseReverseName, type ReverseName, zoneOctets } from './reverse-name.ts'

/** What a query is decided by. */
export type NameContext = {
  /** Lower case. */
  domain: string
  names: Pick<NameBook, 'addressesOf' | 'nameOf'>
  subnets: readonly Subnet[]
  /** Ours where the query came in. */
  serverAddress: Ipv4
  mayForward: boolean
  /** Milliseconds since the epoch. */
  now: number
}

export type NameDecision = ({ kind: 'answer' } & Reply) | { kind: 'forward' }

/** A name of ours; without records it is there and has none. `zone` is absent for a short name, which is of no zone. */
type OwnName = { zone?: string; exists: boolean; records: Answer[] }

const apexTtlSeconds = 300
/** How long it is believed that there is no such name: a machine may be named at any time. */
const absentTtlSeconds = 60
/** RFC 8482 §4.2. */
const anyTtlSeconds = 3600

/** Names of ours are answered here and nowhere else; what is not ours is forwarded, if the asker wishes. */
export function decideQuery(query: Query, context: NameContext): NameDecision {
  const { name, type, isInternet, edns } = query
  if (edns && edns.version > 0) return answer(refusal(rcode.badVersion))
  if (!isInternet || /^([AI]XFR|OPT|T(SIG|KEY)|UNKNOWN_25[34])$/.test(type)) return answer(refusal(rcode.refused))
  const own = name === undefined ? undefined : findOwn(name, context)
  if (own) return answer(ownReply(own, type, context))
  const isShort = name !== undefined && name !== '' && !name.includes('.')
  // Nobody outside can know it, and each machine of a misspelt name would ask there.
  if (isShort && /^(A|AAAA|ANY)$/.test(type)) return answer(refusal(rcode.noSuchName))
  if (!context.mayForward || !query.isRecursionDesired) return answer(refusal(rcode.refused))
  if (type === 'ANY' && name !== undefined) return answer({ ...refusal(rcode.noError), answers: minimalAny(name) })
  return { kind: 'forward' }
}

function answer(reply: Reply): NameDecision {
  return { kind: 'answer', ...reply }
}

function ownReply({ zone, exists, records }: OwnName, type: string, context: NameContext): Reply {
  const wanted = type === 'ANY' ? records[0]?.type : type
  const answers = records.filter((record) => record.type === wanted)
  const authorities = answers.length > 0 || zone === undefined ? [] : [startOfAuthority(zone, context)]
  return { rcode: exists ? rcode.noError : rcode.noSuchName, isAuthoritative: true, answers, authorities }
}

function findOwn(name: string, context: NameContext): OwnName | undefined {
  const { domain, names, now, serverAddress } = context
  if (name === domain) {
    const own: Answer = { type: 'A', name, ttl: apexTtlSeconds, data: formatIpv4(serverAddress) }
    return { zone: domain, exists: true, records: [...apexRecords(domain, context), own] }
  }
  const isInDomain = name.endsWith(`.${domain}`)
  const label = isInDomain ? name.slice(0, -domain.length - 1) : name
  const addresses = names.addressesOf(label, now)
  if (addresses || isInDomain) {
    const records = (addresses ?? []).map(
      ({ value, ttlSeconds }): Answer => ({ type: 'A', name, ttl: ttlSeconds, data: formatIpv4(value) }),
    )
    return { exists: addresses !== undefined, records, ...(isInDomain && { zone: domain }) }
  }
  const reverse = parseReverseName(name)
  return reverse && findReverse(name, reverse, context)
}

function findReverse(name: string, reverse: ReverseName, context: NameContext): OwnName | undefined {
  const { domain, names, now, subnets, serverAddress } = context
  const subnet = subnets.find((each) => isWithin(reverse, each))
  if (!subnet) return undefined
  const { covers, octets, isBelow } = reverse
  const zone = formatReverseName(covers.network, Math.min(octets, zoneOctets(subnet)))
  if (isBelow) return { zone, exists: false, records: [] }
  if (octets < 4) return { zone, exists: true, records: name === zone ? apexRecords(zone, context) : [] }
  const server = covers.network === serverAddress ? { value: '', ttlSeconds: apexTtlSeconds } : undefined
  const named = names.nameOf(covers.network, now) ?? server
  if (!named) return { zone, exists: false, records: [] }
  const data = named.value === '' ? domain : `${named.value}.${domain}`
  return { zone, exists: true, records: [{ type: 'PTR', name, ttl: named.ttlSeconds, data }] }
}

function apexRecords(zone: string, context: NameContext): Answer[] {
  return [startOfAuthority(zone, context), { type: 'NS', name: zone, ttl: apexTtlSeconds, data: context.domain }]
}

/** Nobody transfers the zone, so its serial is the time; `minimum` is how long an absence is believed (RFC 2308 §4). */
function startOfAuthority(zone: string, { domain, now }: NameContext): Answer {
  const serial = Math.floor(now / 1000)
  const times = { refresh: 3600, retry: 600, expire: 86_400, minimum: absentTtlSeconds }
  const data = { mname: domain, rname: `hostmaster.${domain}`, serial, ...times }
  return { type: 'SOA', name: zone, ttl: absentTtlSeconds, data }
}

function minimalAny(name: string): Answer[] {
  return [{ type: 'HINFO', name, ttl: anyTtlSeconds, data: { cpu: 'RFC8482', os: '' } }]
}
