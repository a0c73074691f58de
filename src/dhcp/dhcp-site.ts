import type { Ipv4 } from '../bytes/ipv4.ts'
import type { NameService } from '../core/name-service.ts'
import { chooseSubnet } from './choose-subnet.ts'
import type { ClientRules } from './client-settings.ts'
import { decide } from './decide.ts'
import { type AnswerMode, type DecideContext, type Decision, ignore, type Request } from './decision.ts'
import type { SubnetConfig } from './subnet-config.ts'

/** One interface that DHCP is heard on. Plain data: it crosses threads. */
export type DhcpInterface = {
  name: string
  serverAddress: Ipv4
  /** What is decided here. */
  answers: AnswerMode
  /** The decisions are shown and nothing is sent. */
  isSilent: boolean
  /** A DHCP client of this machine may use the interface: the clients' port is left to it. */
  hasOwnClient?: boolean
  /** Its own, and those that relays or routers reach us from through it. */
  subnets: SubnetConfig[]
}

export type DhcpSite = {
  interfaces: DhcpInterface[]
  rules: ClientRules
  ownAddresses: Ipv4[]
  /** Absent: names are not answered. */
  names?: NameService
}

/** What decisions depend on beside the subnet; `leasesOf` is asked for a subnet of the interface only. */
export type SiteContext<Leases extends DecideContext['leases']> = Omit<DecideContext, 'config' | 'leases'> & {
  leasesOf(config: SubnetConfig): Leases
}

/** Chooses the subnet and decides; `leases` are those the decision's change is about. Pure. Throws DecodeError. */
export function decideOnInterface<Leases extends DecideContext['leases']>(
  request: Request,
  { subnets, answers }: DhcpInterface,
  { leasesOf, ...context }: SiteContext<Leases>,
): { decision: Decision; leases?: Leases; config?: SubnetConfig } {
  const choice = chooseSubnet(request, subnets)
  // Where another server gives the addresses, it does not matter which subnet they are of.
  const config = choice.kind === 'subnet' ? choice.config : answers === 'proxy' ? subnets[0] : undefined
  if (!config) return { decision: ignore(choice.kind === 'none' ? choice.reason : 'no subnet is served here') }
  const leases = leasesOf(config)
  return { decision: decide(request, { ...context, config, leases }, answers), leases, config }
}
