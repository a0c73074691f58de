import { formatSubnet } from '../bytes/ipv4.ts'
import type { AgentArchitecture } from '../core/agent-architecture.ts'
import type { LoaderName } from '../core/loader.ts'
import type { UnknownPolicy } from '../core/newcomer.ts'
import type { CheckedFile } from '../core/yaml-file.ts'
import { parseSiteFile, type SiteFile } from '../dhcp/site-file.ts'
import { interfaceAddress } from '../net/interfaces.ts'
import { readYamlText } from './read-yaml-text.ts'

/** One interface and its own subnet, said on the command line. */
export type SiteFlags = {
  interface?: string
  mode?: 'listen' | 'proxy' | 'authoritative'
  evenIfDynamic?: boolean
  range?: string
  router?: string
  dns?: string[]
  leaseSeconds?: number
  unknown?: UnknownPolicy
  loader?: LoaderName
  files?: string
  architecture?: AgentArchitecture[]
  handMade?: string
}

/** The site file, or what the flags say in its terms. Throws YamlFileInvalid, InterfaceNotUsable. */
export async function readSite(path: string | undefined, flags: SiteFlags): Promise<CheckedFile<SiteFile>> {
  if (path === undefined) return siteOfFlags(flags)
  return parseSiteFile(await readYamlText('site file', path), path)
}

function siteOfFlags(flags: SiteFlags): CheckedFile<SiteFile> {
  const { interface: name, mode = 'authoritative', evenIfDynamic = false } = flags
  if (name === undefined) {
    throw new Error('nothing says where to serve: give --interface, or a site file by --config')
  }
  const { range, router, dns, leaseSeconds, unknown, loader, files, architecture, handMade } = flags
  const subnet = {
    subnet: formatSubnet(interfaceAddress(name).subnet),
    ...(range !== undefined && { pools: [range] }),
    ...(router !== undefined && { routers: [router] }),
    ...(dns && { dns }),
    ...(leaseSeconds !== undefined && { leaseSeconds }),
    ...(unknown !== undefined && { unknown }),
    ...(loader !== undefined && { loader }),
    ...(handMade !== undefined && { handMade }),
  }
  return {
    content: {
      interfaces: { [name]: { mode, evenIfDynamic } },
      subnets: [subnet],
      ...(files !== undefined && { files }),
      ...(architecture && { architectures: architecture }),
    },
    refuse: (problems) => {
      throw new Error(`Cannot serve ${name}: ${problems.map(({ message }) => message).join('; ')}`)
    },
  }
}
