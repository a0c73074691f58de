import { bootBothFirmwares, endOrder, harmlessOrder } from '../../src/cli/rack/boot-to-order.ts'
import type { RackCase } from '../../src/cli/rack/case.ts'
import { bouncePort, startSpanningTree } from '../../src/rack/switch.ts'

const forwardDelaySeconds = 15
const bootTimeoutMs = 8 * 60_000

export const rackCase: RackCase = {
  name: 'boot-slow-link',
  describe: 'spanning tree blocks the port for 30 s at power-on and again when the kernel starts: the agent comes up',
  set: 'long',
  surround: () => startSpanningTree(forwardDelaySeconds),
  run: (site) =>
    bootBothFirmwares(site, async (machine) => {
      const id = await site.deploy(machine, harmlessOrder)
      const kernel = machine.console.expect(/Linux version|is up, loading drivers/, {
        timeoutMs: bootTimeoutMs,
        what: "the agent's kernel",
      })
      const agent = site.bootAgent(machine, bootTimeoutMs)
      // as when the kernel's own driver resets the card that firmware had used
      await Promise.race([kernel, agent])
      await bouncePort(machine.ports[0]!)
      return endOrder(site, id, await agent)
    }),
}
