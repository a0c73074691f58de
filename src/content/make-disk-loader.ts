import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { anyEsp, searchCommand } from './fit-disk-loader.ts'
import { type GrubImage, makeGrubImage } from './grub-image.ts'

/**
 * Where the agent installs a disk's loader: beside systems that are not ours, and else where removable media have it (UEFI
 * specification §3.5.1.1), which may be theirs.
 */
const diskLoaderPaths = ['/EFI/bootwright/grubx64.efi', '/EFI/BOOT/BOOTX64.EFI']

/** Run line by line; a failing line is shown and the next one tried, so `exit` gives back to iPXE what did not start. */
const start = (path: string) => [`chainloader ${path}`, 'boot']
/** First the ESP that fitDiskLoader() writes there, then the first disk that has a loader. */
const grubConfiguration = [
  searchCommand(anyEsp),
  ...diskLoaderPaths.flatMap(start),
  ...diskLoaderPaths.flatMap((path) => [`search.file ${path} root`, ...start(path)]),
  'exit\n',
].join('\n')
const grubModules = ['part_gpt', 'part_msdos', 'fat', 'search_fs_file', 'search_fs_uuid', 'chain', 'boot', 'minicmd']

/**
 * Makes the x64 UEFI program that starts the machine's own disk. iPXE as Debian ships it reads no disks on UEFI, and a
 * firmware that iPXE returns to tries its other network entries first (OVMF: IPv6 PXE, HTTP over IPv4 and IPv6: minutes).
 * A GRUB of 0.3 MB.
 */
export function makeDiskLoader(file: string): Promise<GrubImage> {
  return makeGrubImage({
    ...{ file, format: 'x86_64-efi', prefix: '/', modules: grubModules, package: 'grub-efi-amd64-bin' },
    async prepare(directory) {
      const configuration = join(directory, 'grub.cfg')
      await writeFile(configuration, grubConfiguration)
      return ['-c', configuration]
    },
  })
}
