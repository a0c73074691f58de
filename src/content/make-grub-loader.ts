import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type GrubImage, makeGrubImage } from './grub-image.ts'

const run = promisify(execFile)

/** `pc`: for BIOS, loaded by PXE. `mac`: for Apple's EFI, loaded by NetBoot. */
export type GrubPlatform = 'pc' | 'efi-x64' | 'efi-arm64' | 'mac'

/** To find the ESP and its loader; a BIOS disk's boot sector needs none of them. */
const diskModules = ['part_gpt', 'part_msdos', 'fat', 'search', 'search_fs_uuid', 'search_fs_file', 'regexp']

const platforms: Record<GrubPlatform, { format: string; modules: readonly string[]; package: string }> = {
  pc: { format: 'i386-pc-pxe', modules: ['pxe', 'biosdisk'], package: 'grub-pc-bin' },
  'efi-x64': { format: 'x86_64-efi', modules: ['efinet', ...diskModules], package: 'grub-efi-amd64-bin' },
  // Apple's EFI has the older graphics protocol (UGA), or the newer one
  mac: {
    format: 'x86_64-efi',
    modules: ['efinet', 'efi_gop', 'efi_uga', ...diskModules],
    package: 'grub-efi-amd64-bin',
  },
  'efi-arm64': { format: 'arm64-efi', modules: ['efinet', ...diskModules], package: 'grub-efi-arm64-bin' },
}

/** What every script of boot/render-grub.ts may use; nothing is loaded later. */
const modules = [
  ...['normal', 'memdisk', 'tar', 'net', 'tftp', 'http', 'linux', 'chain', 'boot'],
  ...['echo', 'test', 'eval', 'sleep', 'reboot', 'configfile', 'minicmd'],
]

/**
 * Run by GRUB's own shell. The script's address comes from DHCP, with its boot token; where another server gave the
 * lease, it is asked for without one, and the machine is anonymous. A menu is shown by `configfile` alone. A script that comes back did not start anything.
 */
const configuration = (bootPort: number, query: string) => `set given=
if [ -n "$net_default_interface" ]; then
  eval "set given=\\$net_\${net_default_interface}_extensionspath"
fi
if [ -z "$given" ]; then
  set given="(http,\${net_default_server}:${bootPort})/boot.grub?mac=\${net_default_mac}${query}"
fi
for attempt in 1 2 3 4 5; do
  configfile "$given"
  echo "Bootwright: trying again in 5 seconds"
  sleep 5
done
reboot
`

/** A Mac's NetBoot leaves GRUB no lease to read: it asks for one, and first for what the operator has for this Mac. */
const macConfiguration = (bootPort: number) => `net_bootp
configfile "(tftp,$net_default_server)/grub.cfg-01-$net_default_mac"
${configuration(bootPort, '')}`

/**
 * Makes the GRUB that firmware loads from the network and that fetches its machine's script from the boot plane's port: core
 * image, modules and first configuration in one file. `modulesDirectory`: where the platform's modules are, if not where Debian's
 * package puts them.
 */
export function makeGrubLoader(
  file: string,
  platform: GrubPlatform,
  bootPort: number,
  modulesDirectory?: string,
): Promise<GrubImage> {
  const { format, modules: own, package: debianPackage } = platforms[platform]
  return makeGrubImage({
    ...{ file, format, prefix: '(memdisk)/grub', modules: [...modules, ...own], package: debianPackage },
    async prepare(directory) {
      const archive = join(directory, 'memdisk.tar')
      await mkdir(join(directory, 'grub'))
      await writeFile(
        join(directory, 'grub/grub.cfg'),
        platform === 'mac'
          ? macConfiguration(bootPort)
          : configuration(bootPort, platform === 'efi-arm64' ? '&arch=arm64' : ''),
      )
      await run('tar', ['-c', '-f', archive, '-C', directory, 'grub'], { timeout: 30_000 })
      return ['-m', archive, ...(modulesDirectory === undefined ? [] : ['-d', modulesDirectory])]
    },
  })
}
