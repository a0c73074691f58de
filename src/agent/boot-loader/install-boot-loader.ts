import { oneLine } from '../../core/one-line.ts'
import type { ExistingPartition } from '../../core/partition-table.ts'
import { runProgram } from '../../programs/run-program.ts'
import type { EfiSystemPartition, RootFilesystem } from '../disk/filesystems.ts'
import type { Mounts } from '../disk/mounts.ts'
import { InsideRoot } from '../inside-root.ts'
import { mountSystemDirectories } from '../mount-system-directories.ts'
import type { BootEntryOutcome } from './boot-order.ts'
import { chooseKernel, type Kernel } from './choose-kernel.ts'
import { copyFallbackLoader, installedLoader } from './copy-fallback-loader.ts'
import { writeEfiBootEntry } from './efi-boot-entry.ts'
import { fitInitramfs } from './fit-initramfs.ts'
import { type GrubFacts, renderGrubConfig, renderGrubDefaults } from './grub-config.ts'
import { deployedArguments } from './kernel-arguments.ts'
import { chooseLoaderPlace, fallbackDirectory, type LoaderPlace, markAsOurs } from './loader-place.ts'
import { renderOtherSystems } from './other-systems.ts'

/** The image lacks something without which its disk cannot boot. */
export class ImageCannotBoot extends Error {
  override readonly name = 'ImageCannotBoot'
}

export type BootLoaderFacts = {
  /** Where the root filesystem is mounted. */
  directory: string
  disk: string
  firmware: 'bios' | 'uefi'
  /** `x64` or `arm64`. */
  architecture: string
  root: RootFilesystem
  /** There under UEFI. */
  esp?: EfiSystemPartition
  secureBoot: boolean
  /** Partitions of the disk that the layout does not name. */
  untouched: readonly ExistingPartition[]
  menu?: SharedMenu
  orderArguments: readonly string[]
  agentConsoles: readonly string[]
}

/** Of a filesystem with several systems, which have GRUB's directory and menu together. */
export type SharedMenu = {
  /** The subvolume that is GRUB's directory in each of them. */
  subvolume: string
  /** Writes the menu, in which the system of this entry starts by itself. */
  write: (entry: GrubFacts) => Promise<void>
}

export type InstalledBootLoader = { kernel: Kernel; kernelArguments: string[] } & BootEntryOutcome

const grubInstallTimeoutMs = 300_000

/**
 * Installs the image's own GRUB on the disk by running its grub-install in a chroot, and writes grub.cfg and the
 * settings of later update-grub runs. Everything mounted is added to `mounts`.
 */
export async function installBootLoader(
  facts: BootLoaderFacts,
  mounts: Mounts,
  signal: AbortSignal,
): Promise<InstalledBootLoader> {
  const root = new InsideRoot(facts.directory)
  const files = root.list('/boot').filter((name) => root.realFile(`/boot/${name}`) !== undefined)
  const kernel = chooseKernel(files)
  if (kernel === undefined) {
    throw new ImageCannotBoot('The image has no kernel in /boot; add one to its recipe (Debian: linux-image-amd64)')
  }
  const grub = findGrub(root, facts.firmware, facts.architecture)
  await mountForChroot(root, facts, mounts, signal)
  if (facts.menu) {
    const options = ['-t', facts.root.type, '-o', `subvol=${facts.menu.subvolume}`]
    await mounts.mount(facts.root.device, root.makeDirectory(grub.bootDirectory), options, signal)
  }
  const filesystem = facts.root.type
  const fitted = await fitInitramfs(root, kernel, { directory: facts.directory, disk: facts.disk, filesystem }, signal)
  const entry = await (facts.firmware === 'uefi' ? installEfi : installBios)(root, grub, facts, signal)
  const kernelArguments = deployedArguments(
    root.readText('/etc/default/grub'),
    facts.orderArguments,
    facts.agentConsoles,
  )
  await writeGrubFiles(root, grub, facts, kernel, kernelArguments)
  return { kernel, kernelArguments, ...entry, detail: `${kernel.kernel}; ${fitted}; ${entry.detail}` }
}

type Grub = { install: string; target: string; bootDirectory: string }

/** Fedora and SUSE say grub2 where Debian says grub. */
export function findGrub(root: InsideRoot, firmware: 'bios' | 'uefi', architecture: string): Grub {
  const target = firmware === 'bios' ? 'i386-pc' : architecture === 'arm64' ? 'arm64-efi' : 'x86_64-efi'
  for (const name of ['grub', 'grub2']) {
    const install = ['/usr/sbin', '/usr/bin', '/sbin'].map((place) => `${place}/${name}-install`)
    const found = install.find((path) => root.isExecutable(path))
    if (found === undefined) continue
    if (root.stat(`/usr/lib/grub/${target}`)?.isDirectory())
      return { install: found, target, bootDirectory: `/boot/${name}` }
    throw new ImageCannotBoot(
      `The image's GRUB has no modules for ${target}, which this machine's ${firmware.toUpperCase()} needs; ` +
        `add them to its recipe (Debian: ${firmware === 'bios' ? 'grub-pc-bin' : `grub-efi-${architecture === 'arm64' ? 'arm64' : 'amd64'}-bin`})`,
    )
  }
  throw new ImageCannotBoot(
    'The image has no grub-install; add GRUB to its recipe (Debian: grub2-common and grub-pc-bin, grub-efi-amd64-bin)',
  )
}

async function mountForChroot(
  root: InsideRoot,
  facts: BootLoaderFacts,
  mounts: Mounts,
  signal: AbortSignal,
): Promise<void> {
  await mountSystemDirectories(root, mounts, signal)
  if (facts.firmware === 'uefi') {
    await mounts.mount(facts.esp!.device, root.makeDirectory('/boot/efi'), ['-t', 'vfat', '-o', 'umask=0077'], signal)
  }
}

async function installBios(
  _root: InsideRoot,
  grub: Grub,
  facts: BootLoaderFacts,
  signal: AbortSignal,
): Promise<BootEntryOutcome> {
  await chroot(
    facts.directory,
    [grub.install, `--target=${grub.target}`, '--no-floppy', '--recheck', facts.disk],
    signal,
  )
  return { detail: `GRUB for BIOS on ${facts.disk}` }
}

async function installEfi(
  root: InsideRoot,
  grub: Grub,
  facts: BootLoaderFacts,
  signal: AbortSignal,
): Promise<BootEntryOutcome> {
  // Debian's signed GRUB looks for its configuration in the directory of its own distribution.
  const vendor = /^ID="?([a-z0-9._-]+)"?$/m.exec(osRelease(root))?.[1] ?? 'linux'
  const esp = root.makeDirectory('/boot/efi')
  const place = chooseLoaderPlace(esp, vendor)
  const { directory } = place
  const args = [
    `--target=${grub.target}`,
    '--efi-directory=/boot/efi',
    `--bootloader-id=${directory}`,
    '--no-nvram',
    '--recheck',
    ...besideArguments(root, facts, place),
  ]
  await chroot(facts.directory, [grub.install, ...args], signal)
  const loader = installedLoader(esp, directory, facts.architecture)
  if (facts.secureBoot) requireShim(loader)
  markAsOurs(esp, directory)
  if (place.mayUseFallback) {
    copyFallbackLoader(esp, directory, loader, facts.architecture)
    markAsOurs(esp, fallbackDirectory)
  }
  const entry = await writeEfiBootEntry(facts.disk, facts.esp!.number, `\\EFI\\${directory}\\${loader}`, signal)
  const fallback = place.mayUseFallback ? 'and the fallback loader' : "beside another system's fallback loader"
  return { ...entry, detail: `GRUB for UEFI as EFI/${directory}/${loader} ${fallback}; ${entry.detail}` }
}

/** Throws ImageCannotBoot where grub-install found no shim to install: this machine's firmware would refuse the disk. */
export function requireShim(loader: string): void {
  if (loader.startsWith('shim')) return
  throw new ImageCannotBoot(
    `Secure Boot is on, and the image's grub-install left ${loader}, which nobody signed; ` +
      'add the signed loaders to its recipe (Debian: shim-signed and grub-efi-amd64-signed), or switch Secure Boot off',
  )
}

/** Debian's signed GRUB reads the menu in EFI/debian, wherever it lies itself: beside another Debian it cannot be used. */
function besideArguments(root: InsideRoot, facts: BootLoaderFacts, { isBesideAnother }: LoaderPlace): string[] {
  if (!isBesideAnother) return []
  if (facts.secureBoot) {
    throw new ImageCannotBoot(
      'The ESP has a loader of the same distribution that is not ours, and with Secure Boot two of them cannot lie on one ' +
        'ESP; switch Secure Boot off, or use a layout with an ESP of its own',
    )
  }
  return root.stat('/etc/debian_version')?.isFile() ? ['--no-uefi-secure-boot'] : []
}

async function chroot(directory: string, command: string[], signal: AbortSignal): Promise<void> {
  await runProgram('chroot', [directory, ...command], { timeoutMs: grubInstallTimeoutMs, signal })
}

async function writeGrubFiles(
  root: InsideRoot,
  grub: Grub,
  facts: BootLoaderFacts,
  kernel: Kernel,
  kernelArguments: string[],
): Promise<void> {
  const title = /^PRETTY_NAME=["']?(.*?)["']?$/m.exec(osRelease(root))?.[1] ?? 'Linux'
  const entry = { title: oneLine(title, 80), kernel, root: facts.root, kernelArguments }
  if (facts.menu) await facts.menu.write(entry)
  else {
    const others = renderOtherSystems(facts.untouched)
    if (others !== undefined) root.writeText(`${grub.bootDirectory}/custom.cfg`, others)
    root.writeText(`${grub.bootDirectory}/grub.cfg`, renderGrubConfig(entry, others !== undefined), 0o600)
  }
  const defaults = renderGrubDefaults(kernelArguments)
  // Debian's grub-mkconfig reads a directory as well, where the file is no conffile that an upgrade would ask about.
  if (root.stat('/etc/default/grub.d')?.isDirectory() || root.stat('/etc/debian_version')?.isFile()) {
    root.writeText('/etc/default/grub.d/zz-bootwright.cfg', defaults)
  } else {
    root.writeText('/etc/default/grub', `${root.readText('/etc/default/grub') ?? ''}\n${defaults}`)
  }
}

function osRelease(root: InsideRoot): string {
  return root.readText('/etc/os-release') ?? root.readText('/usr/lib/os-release') ?? ''
}
