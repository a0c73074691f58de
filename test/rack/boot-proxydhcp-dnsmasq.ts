import { join } from 'node:path'
import { fetchPeer } from '../../bench/peer-program.ts'
import { bootBothFirmwares, bootToOrder } from '../../src/cli/rack/boot-to-order.ts'
import type { RackCase } from '../../src/cli/rack/case.ts'
import { ForeignHost } from '../../src/rack/foreign-host.ts'
import type { Rack } from '../../src/rack/rack.ts'
import { rackNetwork } from '../../src/rack/switch.ts'

export const rackCase: RackCase = {
  name: 'boot-proxydhcp-dnsmasq',
  describe: 'dnsmasq gives the addresses and Bootwright, as proxyDHCP beside it, the boot files: BIOS and UEFI',
  set: 'long',
  prepare: async (_supplies, log) => {
    await dnsmasq(log)
  },
  surround,
  serveOptions: ['--mode', 'proxy'],
  run: (site) => bootBothFirmwares(site, (machine) => bootToOrder(site, machine)),
}

async function surround(rack: Rack): Promise<void> {
  const host = await ForeignHost.open('dnsmasq')
  const link = await host.plugInto(rackNetwork.bridge, '10.77.0.2/24')
  const { program, libraryPath } = await dnsmasq(() => {})
  const leases = `--dhcp-leasefile=${join(rack.directory, 'dnsmasq.leases')}`
  const range = '--dhcp-range=10.77.0.100,10.77.0.120,255.255.255.0,1h'
  const values = ['-d', '-p', '0', '-C', '/dev/null', '-i', link, '--no-ping', range, leases]
  host.start(['env', `LD_LIBRARY_PATH=${libraryPath}`, program, ...values], join(rack.directory, 'dnsmasq.log'))
}

function dnsmasq(log: (line: string) => void) {
  return fetchPeer('dnsmasq-base', 'usr/sbin/dnsmasq', log)
}
