import { formatIpv4, formatSubnet, type Ipv4, parseIpv4 } from '../bytes/ipv4.ts'
import type { DecideContext, Request } from './decision.ts'
import { reservationOf } from './reservations.ts'
import { isHostAddress, isPoolAddress } from './subnet-config.ts'

/** `how` goes into the decision's sentence; `isNew` when the client does not hold the address at this moment. */
export type AddressChoice = { address: Ipv4; how: string; isNew: boolean }

/** Reservation, else what the client holds or last held, else what it asks for, else a free one of the pools. */
export function chooseAddress(
  request: Request,
  context: DecideContext,
  requested: Ipv4 | undefined,
): AddressChoice | undefined {
  const { config, directory, leases, now } = context
  const isNew = (address: Ipv4): boolean => leases.holderOf(address, now)?.client !== request.client
  const reserved = reservedAddress(request, context)
  if (reserved !== undefined && isAvailable(request, context, reserved)) {
    const how = `reserved for ${whoHas(request, context, reserved)}`
    return { address: reserved, how, isNew: isNew(reserved) }
  }
  const because = reserved === undefined ? '' : `, as ${formatIpv4(reserved)} reserved for it is in use`
  const fits = (address: Ipv4 | undefined): address is Ipv4 =>
    address !== undefined && isPoolAddress(config, address) && isAvailable(request, context, address)
  const held = leases.byClient(request.client)
  if (held && fits(held.address)) {
    const how = held.state === 'bound' ? 'its lease' : 'offered before'
    return { address: held.address, how: `${how}${because}`, isNew: isNew(held.address) }
  }
  if (fits(requested)) return { address: requested, how: `asked for and free${because}`, isNew: true }
  const isReserved = (address: Ipv4) =>
    directory.byReservedAddress(address) !== undefined || config.reservations?.byAddress.has(address) === true
  const free = leases.freeAddress(now, isReserved)
  return free === undefined ? undefined : { address: free, how: `free in the pool${because}`, isNew: true }
}

/** The machine's reservation, where this subnet can give it, else what the site file reserves for the client here. */
export function reservedAddress(request: Request, { config }: DecideContext): Ipv4 | undefined {
  const { machine } = request
  const own = machine?.address === undefined ? undefined : parseIpv4(machine.address)
  const isUsable = own !== undefined && isHostAddress(config.subnet, own) && own !== config.serverAddress
  return isUsable ? own : reservationOf(request, config.reservations)?.address
}

function whoHas({ machine, client }: Request, { config }: DecideContext, address: Ipv4): string {
  return machine?.name ?? config.reservations?.byAddress.get(address)?.name ?? client
}

/** Why the client may not have the address now; undefined when it may. */
export function refuseAddress(request: Request, context: DecideContext, address: Ipv4): string | undefined {
  const { config } = context
  const text = formatIpv4(address)
  if (!isHostAddress(config.subnet, address)) return `${text} is not an address of ${formatSubnet(config.subnet)}`
  const reserved = reservedAddress(request, context)
  if (reserved === address) return conflict(request, context, address)
  if (reserved !== undefined && isAvailable(request, context, reserved)) {
    return `${formatIpv4(reserved)} is reserved for it, not ${text}`
  }
  if (!isPoolAddress(config, address)) return `${text} is in no pool`
  return conflict(request, context, address)
}

function isAvailable(request: Request, context: DecideContext, address: Ipv4): boolean {
  return conflict(request, context, address) === undefined
}

/**
 * Who stands against it: a reservation for another machine, or another holder. An offer to another card of the same
 * machine does not (firmware tries its cards in turn), a lease does: two cards may never share an address.
 */
function conflict(request: Request, context: DecideContext, address: Ipv4): string | undefined {
  const { config, directory, leases, now } = context
  const text = formatIpv4(address)
  const owner = directory.byReservedAddress(address)
  if (owner && owner.id !== request.machine?.id) return `${text} is reserved for ${owner.name}`
  const reservation = config.reservations?.byAddress.get(address)
  // A machine's own reservation is above the site file's.
  if (reservation && !owner && reservation !== reservationOf(request, config.reservations)) {
    return `${text} is reserved for ${reservation.name ?? reservation.client}`
  }
  const holder = leases.holderOf(address, now)
  if (!holder) return undefined
  if (holder.state === 'quarantined') return `${text} is quarantined: somebody else answered for it`
  if (holder.client === request.client) return undefined
  const isSibling = owner !== undefined && (owner.macs as readonly string[]).includes(holder.client)
  return isSibling && holder.state === 'offered' ? undefined : `${text} is leased to ${holder.client}`
}
