import { readFileSync } from 'node:fs'
import { parseIpv4, parseSubnet } from '../../../src/bytes/ipv4.ts'
import { MemoryDirectory } from '../../../src/core/directory.ts'
import type { BootRecord } from '../../../src/core/machine.ts'
import { noClientRules } from '../../../src/dhcp/client-settings.ts'
import type { DhcpSite } from '../../../src/dhcp/dhcp-site.ts'
import { makeSite } from '../../../src/dhcp/make-site.ts'
import { serveDhcp } from '../../../src/dhcp/server.ts'
import { parseSiteFile } from '../../../src/dhcp/site-file.ts'
import { makeSubnetConfig, type SubnetConfig } from '../../../src/dhcp/subnet-config.ts'
import { listInterfaceAddresses } from '../../../src/net/interfaces.ts'
import { openLeaseStore } from '../../../src/store/lease-store.ts'

/*
 * The real DHCP server as a process of its own, for tests that look at it from outside. One argument: JSON of
 * ServeSettings. Prints one JSON object a line: { kind: 'ready' }, then each DhcpEvent.
 */
export type ServeSettings = {
  interface: string
  /** `10.99.0.0/24` */
  subnet: string
  serverAddress: string
  leaseFile: string
  machines: BootRecord[]
  overrides: Partial<SubnetConfig>
  /** A site file, in place of one interface with one subnet. */
  siteFile?: string
}

const settings = JSON.parse(process.argv[2]!) as ServeSettings
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
const leases = await openLeaseStore(settings.leaseFile)
const { interfaces, rules, ownAddresses } = settings.siteFile === undefined ? plainSite() : readSite(settings.siteFile)
let ready = 0
await Promise.all(
  interfaces.map((link) =>
    serveDhcp({
      ...{ interface: link, rules, ownAddresses, leases, hasLoader: () => true },
      directory: new MemoryDirectory(settings.machines),
      bootTokens: { key: new Uint8Array(32).fill(7), lifetimeSeconds: 600 },
      onDecision: (event) => process.stdout.write(`${JSON.stringify(event)}\n`),
      onReady: () => ++ready === interfaces.length && process.stdout.write('{"kind":"ready"}\n'),
      signal: stop.signal,
    }),
  ),
)
await leases.close()

function plainSite(): DhcpSite {
  const serverAddress = parseIpv4(settings.serverAddress)
  const config = makeSubnetConfig({
    subnet: parseSubnet(settings.subnet),
    serverAddress,
    httpPort: 4280,
    ...settings.overrides,
  })
  const link = { name: settings.interface, serverAddress, answers: 'authoritative', isSilent: false } as const
  return { interfaces: [{ ...link, subnets: [config] }], rules: noClientRules, ownAddresses: [serverAddress] }
}

function readSite(path: string): DhcpSite {
  const parsed = parseSiteFile(readFileSync(path, 'utf8'), path)
  const made = makeSite(parsed.content, listInterfaceAddresses(), 4280)
  return 'problems' in made ? parsed.refuse(made.problems) : made.site
}
