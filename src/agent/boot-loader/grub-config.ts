import type { FilesystemType } from '../../core/layout.ts'
import type { RootFilesystem } from '../disk/filesystems.ts'
import type { Kernel } from './choose-kernel.ts'
import { rootArguments } from './kernel-arguments.ts'

/** What GRUB must know of the deployed system. */
export type GrubFacts = {
  /** Shown in the menu: PRETTY_NAME of os-release. */
  title: string
  kernel: Kernel
  root: Pick<RootFilesystem, 'uuid' | 'partitionGuid' | 'type' | 'subvolume'>
  /** Behind `root=`, in order. */
  kernelArguments: readonly string[]
}

const menuSeconds = 2

/**
 * grub.cfg for the first boots, written here because update-grub takes many seconds; the image's own update-grub
 * replaces it at the next kernel upgrade, with the settings of renderGrubDefaults. `hasOthers`: custom.cfg is there.
 */
export function renderGrubConfig(facts: GrubFacts, hasOthers = false): string {
  const lines = [
    '# Written by Bootwright when it deployed this machine; update-grub replaces it.',
    ...renderTerminal(facts.kernelArguments),
    `set timeout=${menuSeconds}`,
    'set default=0',
    '',
    ...renderEntry(facts),
    ...(hasOthers ? ['source $prefix/custom.cfg'] : []),
  ]
  return `${lines.join('\n')}\n`
}

/** custom.cfg: entries behind that of grub.cfg; what update-grub writes reads it too. */
export function renderGrubEntries(entries: readonly GrubFacts[]): string {
  const lines = ['# Written by Bootwright: the other systems of this disk.', ...entries.flatMap(renderEntry)]
  return `${lines.join('\n')}\n`
}

function renderEntry(facts: GrubFacts): string[] {
  const { kernel, root } = facts
  const words = [...rootArguments(root, kernel.initrd !== undefined), ...facts.kernelArguments].map(quoteGrub).join(' ')
  // GRUB's paths begin at the top of the filesystem, whatever subvolume is mounted as the root.
  const boot = root.subvolume === undefined ? '/boot' : `/${root.subvolume}/boot`
  return [
    `menuentry ${quoteGrub(facts.title)} {`,
    // Without a video driver of GRUB's the kernel has no screen under UEFI.
    '  insmod all_video',
    '  insmod gzio',
    '  insmod part_gpt',
    `  insmod ${grubModules[root.type]}`,
    `  search --no-floppy --fs-uuid --set=root ${root.uuid}`,
    `  linux ${quoteGrub(`${boot}/${kernel.kernel}`)} ${words}`,
    ...(kernel.initrd === undefined ? [] : [`  initrd ${quoteGrub(`${boot}/${kernel.initrd}`)}`]),
    '}',
  ]
}

const grubModules: Record<FilesystemType, string> = { ext4: 'ext2', btrfs: 'btrfs', xfs: 'xfs' }

/** The menu on the serial line too, where the kernel speaks there. */
function renderTerminal(kernelArguments: readonly string[]): string[] {
  const serial = serialConsole(kernelArguments)
  if (serial === undefined) return []
  return [serialCommand(serial), 'terminal_input console serial', 'terminal_output console serial']
}

/** Sourced by grub-mkconfig as shell: what a later update-grub must know to write the same. */
export function renderGrubDefaults(kernelArguments: readonly string[]): string {
  const serial = serialConsole(kernelArguments)
  const lines = [
    '# Written by Bootwright when it deployed this machine: its kernel arguments and console.',
    `GRUB_TIMEOUT=${menuSeconds}`,
    `GRUB_CMDLINE_LINUX=${quoteShell(kernelArguments.join(' '))}`,
    "GRUB_CMDLINE_LINUX_DEFAULT=''",
    'GRUB_DISABLE_OS_PROBER=true',
  ]
  if (serial !== undefined) {
    lines.push(`GRUB_TERMINAL='console serial'`, `GRUB_SERIAL_COMMAND=${quoteShell(serialCommand(serial))}`)
  }
  return `${lines.join('\n')}\n`
}

type SerialConsole = { unit: number; speed: number }

/** The last `console=ttySn,speed…` of the kernel arguments. */
export function serialConsole(kernelArguments: readonly string[]): SerialConsole | undefined {
  for (const argument of kernelArguments.toReversed()) {
    const match = /^console=ttyS(\d+)(?:,(\d+))?/.exec(argument)
    if (match) return { unit: Number(match[1]), speed: Number(match[2] ?? 115200) }
  }
  return undefined
}

function serialCommand({ unit, speed }: SerialConsole): string {
  return `serial --unit=${unit} --speed=${speed}`
}

/** GRUB's single quotes take everything as it is; a quote itself stands outside of them. */
export function quoteGrub(text: string): string {
  return /^[\w./:=,@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

function quoteShell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
