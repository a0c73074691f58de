import type { Member } from '../image/group-members.ts'
import type { RamRootForm } from '../image/renditions/rendition-name.ts'
import type { BootKernel } from './boot-kernel.ts'
import { newcLimit } from './newc-archive.ts'
import type { SidecarRules } from './sidecar.ts'

/** What a form can hold by itself, and what it cannot hold at all. */
export type FormRules = SidecarRules & {
  /** Why this member cannot be run from memory in this form; undefined for what can. */
  refusal: (member: Member) => string | undefined
}

const acl = /^system\.posix_acl_(access|default)$/
const squashed = /^(user|trusted|security)\./
/** An overlay takes these for its own. */
const overlayed = /^trusted\.overlay\./
const inMemory = /^(trusted|security)\./

export function rulesOf(form: RamRootForm, kernel: Pick<BootKernel, 'release'>, config: KernelConfig): FormRules {
  return form === 'squashfs' ? squashfsRules : initrdRules(kernel.release, config)
}

/** Read from end to end, holes too. */
const largestSquashedBytes = 64 * 2 ** 30

/** squashfs has whole seconds of 32 bits, and no ACLs, which are put onto the overlay. */
const squashfsRules: FormRules = {
  keepsAttribute: (name) => squashed.test(name),
  keepsTime: (seconds) => seconds >= 0 && seconds <= newcLimit,
  refusal({ node }) {
    if (node.type === 'file' && node.sizeBytes > largestSquashedBytes) {
      return 'a file of more than 64 GiB does not belong into memory; keep it on a data disk'
    }
    const lost = node.xattrs.find(({ name }) => overlayed.test(name) || !(squashed.test(name) || acl.test(name)))
    if (!lost) return undefined
    const why = overlayed.test(lost.name) ? 'an overlay would take it for its own' : 'squashfs cannot hold it'
    return `its attribute ${lost.name}: ${why}`
  },
}

function initrdRules(release: string, config: KernelConfig): FormRules {
  const keepsTimes = config.get('CONFIG_INITRAMFS_PRESERVE_MTIME') !== 'n'
  // tmpfs took user attributes in 6.6
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10))
  const hasUserAttributes = major > 6 || (major === 6 && minor >= 6)
  return {
    keepsAttribute: () => false,
    keepsTime: (seconds, nanoseconds) => keepsTimes && nanoseconds === 0 && seconds >= 0 && seconds <= newcLimit,
    refusal({ node, links }) {
      if (node.type === 'file' && node.sizeBytes > newcLimit)
        return 'a cpio holds files of less than 4 GiB; use squashfs'
      if (node.type === 'symlink' && links > 1)
        return 'the kernel unpacks no hard links of symbolic links; use squashfs'
      const lost = node.xattrs.find(
        ({ name }) => !(inMemory.test(name) || acl.test(name) || (hasUserAttributes && name.startsWith('user.'))),
      )
      return lost && `its attribute ${lost.name}: Linux ${release} cannot hold it in memory; use squashfs`
    },
  }
}

/** `CONFIG_SQUASHFS` to `y`, `m` or `n`; empty where the version does not say how its kernel was made. */
export type KernelConfig = ReadonlyMap<string, string>

export function parseKernelConfig(text: string): KernelConfig {
  const config = new Map<string, string>()
  for (const line of text.split('\n')) {
    const set = /^(CONFIG_\w+)=(.*)$/.exec(line)
    if (set) config.set(set[1]!, set[2]!)
    const off = /^# (CONFIG_\w+) is not set$/.exec(line)
    if (off) config.set(off[1]!, 'n')
  }
  return config
}

/** What of the kernel a form needs and does not find; undefined when all is there, or nothing is known. */
export function kernelRefusal(form: RamRootForm, config: KernelConfig): string | undefined {
  const needed =
    form === 'squashfs'
      ? ['CONFIG_SQUASHFS', 'CONFIG_OVERLAY_FS', 'CONFIG_BLK_DEV_LOOP', 'CONFIG_TMPFS', 'CONFIG_BLK_DEV_INITRD']
      : ['CONFIG_BLK_DEV_INITRD', 'CONFIG_TMPFS', 'CONFIG_TMPFS_XATTR', 'CONFIG_TMPFS_POSIX_ACL']
  const missing = needed.filter((name) => config.size > 0 && !['y', 'm'].includes(config.get(name) ?? 'n'))
  return missing.length === 0 ? undefined : `its kernel was made without ${missing.join(', ')}`
}

export type Compression = { program: 'zstd' | 'xz' | 'gzip'; args: readonly string[]; suffix: string }

/** Level 19 takes a processor a second for each megabyte, and saves a twentieth of the size. */
const slowestBytes = 512 * 2 ** 20

/** The best that the kernel can unpack; one that does not say what it can is taken to know gzip. */
export function chooseInitrdCompression(config: KernelConfig, contentBytes: number): Compression {
  const level = contentBytes > slowestBytes ? '-12' : '-19'
  if (config.get('CONFIG_RD_ZSTD') === 'y') return { program: 'zstd', args: [level, '-T0', '-q', '-c'], suffix: 'zst' }
  // The kernel's own xz knows no other check sum.
  if (config.get('CONFIG_RD_XZ') === 'y') return { program: 'xz', args: ['-6', '--check=crc32', '-c'], suffix: 'xz' }
  return { program: 'gzip', args: ['-9', '-n', '-c'], suffix: 'gz' }
}

/** Options of tar2sqfs; measured in docs/adr/0010-ram-root.md. */
export function chooseSquashfsCompression(config: KernelConfig): readonly string[] {
  const has = (name: string) => config.get(name) === 'y'
  if (has('CONFIG_SQUASHFS_XZ')) return ['--compressor', 'xz', '--block-size', '1M']
  if (has('CONFIG_SQUASHFS_ZSTD')) return ['--compressor', 'zstd', '--comp-extra', 'level=19', '--block-size', '1M']
  return ['--compressor', 'gzip', '--block-size', '1M']
}
