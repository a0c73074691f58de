import { bootToOrder } from '../../src/cli/rack/boot-to-order.ts'
import type { CaseFigures, RackCase } from '../../src/cli/rack/case.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import { TaggedSegment } from './networks/tagged-segment.ts'

const segment = new TaggedSegment()

export const rackCase: RackCase = {
  name: 'boot-vlan',
  describe:
    "a card's ROM tags its frames and Linux's driver does not: the agent enters the VLAN that the site file names",
  set: 'long',
  ...segment.setting,
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const { bridge } = segment
  const machine = await site.addMachine({ name: 'vlan-1', firmware: 'bios', bridge })
  const [figures] = await Promise.all([bootToOrder(site, machine), segment.closeAtKernel(site, machine)])
  return figures
}
