import { bootByLoader } from '../../src/cli/rack/boot-by-loader.ts'
import type { RackCase } from '../../src/cli/rack/case.ts'

export const rackCase: RackCase = {
  name: 'boot-uefi-http',
  describe: "EDK2's HTTP boot runs iPXE, which starts the agent with its order, and the disk when the intent is local",
  set: 'long',
  run: (site) =>
    bootByLoader(site, {
      ...{ firmware: 'uefi', networkBoot: 'firmware-http' },
      ...{ loader: 'iPXE', bootFile: ':4280/ipxe/snponly.efi' },
    }),
}
