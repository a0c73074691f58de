import { type CaseFigures, caseFigures, type RackCase } from './case.ts'
import type { RackSite } from './site.ts'

/** Of the image that the supplies name: it is deployed to a virtual machine, which must call back from its disk. */
export const rackCase: RackCase = {
  name: 'image-boots',
  describe: 'a version is deployed to a virtual machine and calls back from its disk',
  set: 'long',
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: 'try-1', firmware: 'bios', memoryMiB: 1024 })
  const id = await site.deploy(machine)
  const secondsToAgent = await site.bootAgent(machine)
  return caseFigures(await site.awaitState(id, 'proved'), secondsToAgent)
}
