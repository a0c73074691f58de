import { formatHex } from '../bytes/hex.ts'
import { formatIpv4, type Ipv4 } from '../bytes/ipv4.ts'
import type { Request } from './decision.ts'
import { Option } from './option.ts'

/** An address that the site file fixes for a client, which need not be a machine of ours. */
export type Reservation = {
  address: Ipv4
  /** A MAC, or `id:` and option 61 in hexadecimal. */
  client: string
  /** Its host name (option 12). */
  name?: string
}

/** Those of one subnet. Plain data: it crosses threads. */
export type Reservations = {
  byClient: ReadonlyMap<string, Reservation>
  byAddress: ReadonlyMap<Ipv4, Reservation>
}

/** The client's own: by its client identifier (option 61) where that is named, else by its MAC. */
export function reservationOf(
  { message, client }: Pick<Request, 'message' | 'client'>,
  reservations: Reservations | undefined,
): Reservation | undefined {
  if (!reservations) return undefined
  const identifier = message.options.get(Option.clientIdentifier)
  const byIdentifier = identifier && reservations.byClient.get(`id:${formatHex(identifier)}`)
  return byIdentifier ?? reservations.byClient.get(client)
}

/** Why the list cannot hold the next one; undefined when it can. */
export function clashOf(list: readonly Reservation[], { address, client }: Reservation): string | undefined {
  const sameAddress = list.find((other) => other.address === address)
  if (sameAddress) return `${formatIpv4(address)} is reserved for ${sameAddress.name ?? sameAddress.client} already`
  const sameClient = list.find((other) => other.client === client)
  if (sameClient) return `${client} has ${formatIpv4(sameClient.address)} reserved in this subnet already`
  return undefined
}

export function indexReservations(list: readonly Reservation[]): Reservations {
  return {
    byClient: new Map(list.map((each) => [each.client, each])),
    byAddress: new Map(list.map((each) => [each.address, each])),
  }
}
