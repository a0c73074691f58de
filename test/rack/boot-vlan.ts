import { join } from 'node:path'
import { bootToOrder } from '../../src/cli/rack/boot-to-order.ts'
import type { CaseFigures, RackCase } from '../../src/cli/rack/case.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import { addSwitch, rackNetwork } from '../../src/rack/switch.ts'
import { fetchOpenVSwitch, OpenVSwitch } from './networks/open-vswitch.ts'

const vlan = 42
const taggedBridge = 'br1'
const bootTimeoutMs = 6 * 60_000

let ovs: OpenVSwitch

export const rackCase: RackCase = {
  name: 'boot-vlan',
  describe:
    "a card's ROM tags its frames and Linux's driver does not: the agent enters the VLAN that the site file names",
  set: 'long',
  prepare: async (_supplies, log) => {
    await fetchOpenVSwitch(log)
  },
  surround: async ({ directory }) => {
    await addSwitch(taggedBridge)
    ovs = await OpenVSwitch.open(join(directory, 'openvswitch'))
    await ovs.addPort('to-server', rackNetwork.bridge, { tag: vlan })
    await ovs.addPort('to-machines', taggedBridge, { tag: vlan, vlan_mode: 'native-untagged', trunks: vlan })
  },
  siteFile: `
interfaces: { ${rackNetwork.bridge}: { mode: authoritative } }
subnets: [{ subnet: ${rackNetwork.subnet}, vlan: ${vlan} }]
`,
  run,
}

/**
 * While firmware and loader run, the port takes untagged frames for the VLAN, as a card does whose ROM was told to tag. From
 * the kernel's start it takes tagged frames alone.
 */
async function run(site: RackSite): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: 'vlan-1', firmware: 'bios', bridge: taggedBridge })
  const booted = bootToOrder(site, machine, bootTimeoutMs)
  const kernel = machine.console.expect(/loading drivers/, { timeoutMs: bootTimeoutMs, what: "the agent's init" })
  await Promise.race([kernel, booted])
  await ovs.setPort('to-machines', { vlan_mode: 'trunk', trunks: vlan })
  site.log(`the port takes frames tagged ${vlan} alone from here on`)
  return booted
}
