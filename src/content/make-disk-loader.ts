import { execFile } from 'node:child_process'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { anyEsp, searchCommand } from './fit-disk-loader.ts'

const run = promisify(execFile)

export type DiskLoader = { kind: 'made'; file: string } | { kind: 'unavailable'; reason: string }

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
 * A GRUB of 0.3 MB, the same bytes from the same GRUB package. `file` is written aside and renamed.
 */
export async function makeDiskLoader(file: string): Promise<DiskLoader> {
  const [configuration, aside] = [`${file}.${process.pid}.cfg`, `${file}.${process.pid}`]
  await mkdir(dirname(file), { recursive: true })
  await writeFile(configuration, grubConfiguration)
  try {
    const output = ['-O', 'x86_64-efi', '-p', '/', '-c', configuration, '-o', aside]
    await run('grub-mkimage', [...output, ...grubModules], { timeout: 30_000 })
    await rename(aside, file)
    return { kind: 'made', file }
  } catch (error) {
    const { code, stderr, message } = error as NodeJS.ErrnoException & { stderr?: string }
    // ENOENT: the program is not installed. A number: it says why, most often that its modules are not.
    if (code !== 'ENOENT' && typeof code !== 'number') throw error
    const why = code === 'ENOENT' ? 'grub-mkimage is not installed' : stderr?.trim() || message
    return { kind: 'unavailable', reason: `${why}; install the Debian package grub-efi-amd64-bin` }
  } finally {
    await rm(configuration, { force: true })
    await rm(aside, { force: true })
  }
}
