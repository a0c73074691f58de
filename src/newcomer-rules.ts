import { parseIpv4, parseSubnet, subnetContains } from './bytes/ipv4.ts'
import { checkNamePattern } from './core/name-pattern.ts'
import type { NewcomerRules } from './core/newcomer.ts'
import type { CheckedFile } from './core/yaml-file.ts'
import type { NewcomerSettings, SiteFile } from './dhcp/site-file.ts'

/** What becomes of a machine that nobody has approved, by its address: what its subnet says goes before everybody's. Throws YamlFileInvalid. */
export function siteNewcomers({ content, refuse }: CheckedFile<SiteFile>): (address: string) => NewcomerRules {
  const check = ({ newcomers }: NewcomerSettings, path: readonly string[]) => {
    try {
      if (newcomers?.name !== undefined) checkNamePattern(newcomers.name)
    } catch (error) {
      refuse([{ path: [...path, 'newcomers', 'name'], message: (error as Error).message }], error)
    }
  }
  const { settings = {}, subnets = [] } = content
  check(settings, ['settings'])
  for (const [index, entry] of subnets.entries()) check(entry, ['subnets', String(index)])
  const everybody = rulesOf({}, settings)
  const ofSubnets = subnets.map((entry) => ({ subnet: parseSubnet(entry.subnet), rules: rulesOf(settings, entry) }))
  return (address) => {
    const at = parseIpv4(address)
    return ofSubnets.find(({ subnet }) => subnetContains(subnet, at))?.rules ?? everybody
  }
}

function rulesOf(everybody: NewcomerSettings, own: NewcomerSettings): NewcomerRules {
  return {
    unknown: own.unknown ?? everybody.unknown ?? 'discover',
    nameFromDns: false,
    ...everybody.newcomers,
    ...own.newcomers,
  }
}
