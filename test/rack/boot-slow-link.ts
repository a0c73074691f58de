import { bootBothFirmwares, endOrder, harmlessOrder } from '../../src/cli/rack/boot-to-order.ts'
import type { CaseFigures, RackCase } from '../../src/cli/rack/case.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { RackMachine } from '../../src/rack/machine.ts'
import { addSwitch, bouncePort, joinSwitch, startSpanningTree } from '../../src/rack/switch.ts'

/** The machines' switch; the server is on another, whose port to this one forwards long before a machine is switched on. */
const slowSwitch = 'br1'
const forwardDelaySeconds = 15
const bootTimeoutMs = 8 * 60_000

export const rackCase: RackCase = {
  name: 'boot-slow-link',
  describe: 'spanning tree blocks the port for 30 s at power-on and again when the kernel starts: the agent comes up',
  set: 'long',
  surround,
  run: (site) => bootBothFirmwares(site, (machine) => bootBlockedTwice(site, machine), { bridge: slowSwitch }),
}

async function surround(): Promise<void> {
  await addSwitch(slowSwitch)
  await startSpanningTree(slowSwitch, forwardDelaySeconds)
  await joinSwitch(slowSwitch)
}

async function bootBlockedTwice(site: RackSite, machine: RackMachine): Promise<CaseFigures> {
  const id = await site.deploy(machine, harmlessOrder)
  const what = { timeoutMs: bootTimeoutMs, what: "the agent's kernel" }
  const kernel = machine.console.expect(/Linux version|loading drivers/, what)
  const agent = site.bootAgent(machine, bootTimeoutMs)
  await Promise.race([kernel, agent])
  // as when the kernel's own driver resets the card that firmware had used
  await bouncePort(machine.ports[0]!)
  return endOrder(site, id, await agent)
}
