import { parseIpv4, parseSubnet } from '../../../src/bytes/ipv4.ts'
import { MemoryDirectory } from '../../../src/core/directory.ts'
import type { BootRecord } from '../../../src/core/machine.ts'
import { serveDhcp } from '../../../src/dhcp/server.ts'
import { makeSubnetConfig, type SubnetConfig } from '../../../src/dhcp/subnet-config.ts'
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
}

const settings = JSON.parse(process.argv[2]!) as ServeSettings
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
const leases = await openLeaseStore(settings.leaseFile)
await serveDhcp({
  interface: settings.interface,
  config: makeSubnetConfig({
    subnet: parseSubnet(settings.subnet),
    serverAddress: parseIpv4(settings.serverAddress),
    httpPort: 4280,
    ...settings.overrides,
  }),
  directory: new MemoryDirectory(settings.machines),
  leases,
  bootTokens: { key: new Uint8Array(32).fill(7), lifetimeSeconds: 600 },
  onDecision: (event) => process.stdout.write(`${JSON.stringify(event)}\n`),
  onReady: () => process.stdout.write('{"kind":"ready"}\n'),
  signal: stop.signal,
})
await leases.close()
