import { bootByLoader } from '../../src/cli/rack/boot-by-loader.ts'
import type { RackCase } from '../../src/cli/rack/case.ts'

export const rackCase: RackCase = {
  name: 'boot-uefi-ipxe',
  describe: "EDK2's PXE runs iPXE, which starts the agent with its order, and the disk when the intent is local",
  set: 'long',
  run: (site) => bootByLoader(site, { firmware: 'uefi', loader: 'iPXE', bootFile: 'ipxe/snponly.efi' }),
}
