import { bootByLoader } from '../../src/cli/rack/boot-by-loader.ts'
import type { RackCase } from '../../src/cli/rack/case.ts'

export const rackCase: RackCase = {
  name: 'boot-bios-ipxe',
  describe: 'iPXE starts the agent on a BIOS machine, with its order, and the disk when the intent is local',
  set: 'long',
  run: (site) => bootByLoader(site, { firmware: 'bios', loader: 'iPXE', bootFile: 'boot.ipxe' }),
}
