import { parseIpv4, parseSubnet, subnetContains } from './bytes/ipv4.ts'
import { claimingGroup } from './core/group-claim.ts'
import { noGroup } from './core/machine.ts'
import { checkNamePattern } from './core/name-pattern.ts'
import type { Newcomer, NewcomerRules } from './core/newcomer.ts'
import type { CheckedFile } from './core/yaml-file.ts'
import type { NewcomerSettings, SiteFile } from './dhcp/site-file.ts'

/**
 * What becomes of a machine that nobody has approved: what the group says that it is in or that claims it, then its subnet,
 * then what is said to everybody. Throws YamlFileInvalid.
 */
export function siteNewcomers({ content, refuse }: CheckedFile<SiteFile>): (newcomer: Newcomer) => NewcomerRules {
  const check = ({ newcomers }: NewcomerSettings, path: readonly string[]) => {
    try {
      if (newcomers?.name !== undefined) checkNamePattern(newcomers.name)
    } catch (error) {
      refuse([{ path: [...path, 'newcomers', 'name'], message: (error as Error).message }], error)
    }
  }
  const { settings = {}, subnets = [], groups = {} } = content
  check(settings, ['settings'])
  for (const [index, entry] of subnets.entries()) check(entry, ['subnets', String(index)])
  for (const [name, entry] of Object.entries(groups)) check(entry, ['groups', name])
  const { claims: own, unknown, newcomers } = groups[noGroup] ?? {}
  if (own ?? unknown ?? newcomers) {
    const message = `who is in no group is in "${noGroup}": say it under settings or subnets`
    refuse([{ path: ['groups', noGroup], message }])
  }
  const ofSubnets = subnets.map((entry) => ({ subnet: parseSubnet(entry.subnet), entry }))
  const claims = Object.entries(groups).map(([name, entry]) => [name, entry.claims ?? []] as const)
  return (newcomer) => {
    const at = parseIpv4(newcomer.address)
    const subnet = ofSubnets.find(({ subnet }) => subnetContains(subnet, at))?.entry ?? {}
    const group = newcomer.group ?? claimingGroup(claims, newcomer)
    return joinRules(settings, subnet, ...(group === undefined ? [] : [rulesOfGroup(group, groups[group] ?? {})]))
  }
}

type Layer = NewcomerSettings & Pick<NewcomerRules, 'claimedBy'>

/** Whom a group claims is in it. */
function rulesOfGroup(group: string, { unknown, newcomers }: NewcomerSettings): Layer {
  return { claimedBy: group, newcomers: { ...newcomers, group }, ...(unknown !== undefined && { unknown }) }
}

/** A later layer goes before the earlier ones. */
function joinRules(...layers: Layer[]): NewcomerRules {
  const { unknown = 'discover', claimedBy } = Object.assign({}, ...layers) as Layer
  const given = Object.assign({ nameFromDns: false }, ...layers.map(({ newcomers }) => newcomers))
  return { unknown, ...given, ...(claimedBy !== undefined && { claimedBy }) }
}
