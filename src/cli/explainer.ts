import { formatHex } from '../bytes/hex.ts'
import { formatIpv4 } from '../bytes/ipv4.ts'
import { MemoryDirectory } from '../core/directory.ts'
import type { ExplainRequest, Explanation } from '../core/explanation.ts'
import type { CheckedFile } from '../core/yaml-file.ts'
import type { DhcpInterface } from '../dhcp/dhcp-site.ts'
import { explainPacket } from '../dhcp/explain.ts'
import { LeaseTable } from '../dhcp/lease-table.ts'
import { makeSite } from '../dhcp/make-site.ts'
import type { SiteFile } from '../dhcp/site-file.ts'
import { listInterfaceAddresses } from '../net/interfaces.ts'
import { openClient } from './client.ts'

export type Explainer = (request: ExplainRequest) => Promise<Explanation>

/** Asks the running service, which knows machines and leases. Rejects with ServiceError. */
export function serviceExplainer(socketPath: string): Explainer {
  const client = openClient({ socketPath })
  return ({ packet, ...rest }) => client.request('POST', '/api/v1/dhcp/explain', { packet: formatHex(packet), ...rest })
}

const bootPort = 4280

/** The same decisions without a service: by a site file, with no machine known and no lease given. */
export function siteExplainer(siteFile: CheckedFile<SiteFile>): Explainer {
  const made = makeSite(siteFile.content, listInterfaceAddresses(), bootPort)
  if ('problems' in made) return siteFile.refuse(made.problems)
  const { interfaces, rules, ownAddresses } = made.site
  return async ({ packet, interface: name, address, isUnicast, localPort }) => {
    const link = interfaces.find((each) => each.name === name) ?? interfaces[0]
    if (!link) return { interface: name ?? '', answer: 'every interface is off' }
    const context = { rules, ownAddresses, ...strangers(link) }
    return explainPacket(packet, { address, port: 68, isUnicast, localPort }, { interface: link, context })
  }
}

function strangers({ serverAddress }: DhcpInterface) {
  return {
    directory: new MemoryDirectory(),
    leasesOf: (config: LeaseTable['config']) => new LeaseTable(config),
    scriptUrl: () => `http://${formatIpv4(serverAddress)}:${bootPort}/boot.ipxe`,
    hasLoader: () => true,
  }
}
