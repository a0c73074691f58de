import type { RackCase } from '../../src/cli/rack/case.ts'
import { deployAndRestart } from '../../src/cli/rack/deploy-by-loader.ts'

export const rackCase: RackCase = {
  name: 'deploy-bios-grub',
  describe: 'GRUB takes a BIOS machine through a whole deployment and, asked again, starts the disk that was written',
  set: 'long',
  serveOptions: ['--loader', 'grub'],
  run: (site) => deployAndRestart(site, 'GRUB'),
}
