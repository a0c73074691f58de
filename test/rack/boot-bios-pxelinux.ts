import { bootByLoader } from '../../src/cli/rack/boot-by-loader.ts'
import type { RackCase } from '../../src/cli/rack/case.ts'

export const rackCase: RackCase = {
  name: 'boot-bios-pxelinux',
  describe: 'PXELINUX starts the agent on a BIOS machine, with its order, and the disk when the intent is local',
  set: 'long',
  serveOptions: ['--loader', 'pxelinux'],
  run: (site) => bootByLoader(site, { firmware: 'bios', loader: 'PXELINUX', bootFile: 'pxelinux/lpxelinux.0' }),
}
