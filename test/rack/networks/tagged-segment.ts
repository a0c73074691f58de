import { join } from 'node:path'
import type { RackCase } from '../../../src/cli/rack/case.ts'
import type { RackSite } from '../../../src/cli/rack/site.ts'
import type { RackMachine } from '../../../src/rack/machine.ts'
import { addSwitch, rackNetwork } from '../../../src/rack/switch.ts'
import { fetchOpenVSwitch, OpenVSwitch } from './open-vswitch.ts'

const vlan = 42
const machinesPort = 'to-machines'
const kernelTimeoutMs = 6 * 60_000

/**
 * The server on an access port of a VLAN, machines on another port of the switch. While firmware and loader run, theirs takes
 * untagged frames for the VLAN, as a card does whose ROM was told to tag; from the kernel's start it takes tagged ones alone.
 */
export class TaggedSegment {
  readonly bridge = 'br1'
  #ovs: OpenVSwitch | undefined

  /** What a case on this segment needs, beside its work. */
  readonly setting: Pick<RackCase, 'prepare' | 'surround' | 'siteFile'> = {
    prepare: async (_supplies, log) => {
      await fetchOpenVSwitch(log)
    },
    surround: async ({ directory }) => {
      await addSwitch(this.bridge)
      this.#ovs = await OpenVSwitch.open(join(directory, 'openvswitch'))
      await this.#ovs.addPort('to-server', rackNetwork.bridge, { tag: vlan })
      await this.#ovs.addPort(machinesPort, this.bridge, { tag: vlan, vlan_mode: 'native-untagged', trunks: vlan })
    },
    siteFile: `
interfaces: { ${rackNetwork.bridge}: { mode: authoritative } }
subnets: [{ subnet: ${rackNetwork.subnet}, vlan: ${vlan} }]
`,
  }

  /** Waits for the kernel; no card's ROM is used from there on. */
  async closeAtKernel(site: RackSite, machine: RackMachine): Promise<void> {
    await machine.console.expect(/loading drivers/, { timeoutMs: kernelTimeoutMs, what: "the agent's init" })
    await this.#ovs?.setPort(machinesPort, { vlan_mode: 'trunk', trunks: vlan })
    site.log(`the port takes frames tagged ${vlan} alone from here on`)
  }
}
