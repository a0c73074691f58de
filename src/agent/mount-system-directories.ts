import type { Mounts } from './disk/mounts.ts'
import type { InsideRoot } from './inside-root.ts'

/** What programs of the new root need in a chroot: /dev, /proc and /sys of this kernel. */
export async function mountSystemDirectories(root: InsideRoot, mounts: Mounts, signal: AbortSignal): Promise<void> {
  await mounts.mount('/dev', root.makeDirectory('/dev'), ['--bind'], signal)
  await mounts.mount('proc', root.makeDirectory('/proc'), ['-t', 'proc'], signal)
  await mounts.mount('sysfs', root.makeDirectory('/sys'), ['-t', 'sysfs'], signal)
}
