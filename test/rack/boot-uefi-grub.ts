import { bootByLoader } from '../../src/cli/rack/boot-by-loader.ts'
import type { RackCase } from '../../src/cli/rack/case.ts'

export const rackCase: RackCase = {
  name: 'boot-uefi-grub',
  describe: "EDK2's PXE runs GRUB, which starts the agent with its order, and the disk when the intent is local",
  set: 'long',
  serveOptions: ['--loader', 'grub'],
  run: (site) => bootByLoader(site, { firmware: 'uefi', loader: 'GRUB', bootFile: 'grub/core-x64.efi' }),
}
