import { join } from 'node:path'
import { fetchPeer } from '../../bench/peer-program.ts'
import { bootBothFirmwares, bootToOrder } from '../../src/cli/rack/boot-to-order.ts'
import type { RackCase } from '../../src/cli/rack/case.ts'
import { runProgram } from '../../src/programs/run-program.ts'
import { ForeignHost } from '../../src/rack/foreign-host.ts'
import type { Rack } from '../../src/rack/rack.ts'
import { addSwitch, rackNetwork } from '../../src/rack/switch.ts'

const farBridge = 'br1'
const farSubnet = '10.77.1.0/24'

export const rackCase: RackCase = {
  name: 'boot-relay',
  describe: 'machines on a segment behind a router with ISC dhcrelay boot the agent: TFTP and HTTP are routed',
  set: 'long',
  prepare: async (_supplies, log) => {
    await dhcrelay(log)
  },
  surround,
  siteFile: `
interfaces: { ${rackNetwork.bridge}: { mode: authoritative } }
subnets:
  - subnet: ${farSubnet}
    interface: ${rackNetwork.bridge}
    pools: [10.77.1.50-10.77.1.60]
    routers: [10.77.1.1]
`,
  run: (site) => bootBothFirmwares(site, (machine) => bootToOrder(site, machine), { bridge: farBridge }),
}

async function surround(rack: Rack): Promise<void> {
  await addSwitch(farBridge)
  const router = await ForeignHost.open('router')
  const near = await router.plugInto(rackNetwork.bridge, '10.77.0.254/24')
  const far = await router.plugInto(farBridge, '10.77.1.1/24')
  await router.run('sysctl', ['-qw', 'net.ipv4.ip_forward=1'])
  await runProgram('ip', ['route', 'add', farSubnet, 'via', '10.77.0.254'])
  const { program, libraryPath } = await dhcrelay(() => {})
  const values = ['-4', '-d', '-a', '--no-pid', '-id', far, '-iu', near, rackNetwork.serverAddress]
  router.start(['env', `LD_LIBRARY_PATH=${libraryPath}`, program, ...values], join(rack.directory, 'dhcrelay.log'))
}

function dhcrelay(log: (line: string) => void) {
  return fetchPeer('isc-dhcp-relay', 'usr/sbin/dhcrelay', log)
}
