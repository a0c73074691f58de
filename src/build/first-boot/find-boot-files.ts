import { join } from 'node:path'

/** The newest kernel of a system that has its initrd beside it, by the names in its /boot: Debian's, Fedora's. Pure. Throws. */
export function findBootFiles(root: string, names: readonly string[]): { kernelPath: string; initrdPath: string } {
  const there = new Set(names)
  const pairs = names.flatMap((kernel) => {
    const release = /^vmlinuz-(.+)$/.exec(kernel)?.[1]
    const initrd = [`initrd.img-${release}`, `initramfs-${release}.img`].find((name) => there.has(name))
    return release === undefined || initrd === undefined ? [] : [{ kernel, initrd }]
  })
  const newest = pairs.sort((a, b) => a.kernel.localeCompare(b.kernel, 'en', { numeric: true })).at(-1)
  if (newest) return { kernelPath: join(root, 'boot', newest.kernel), initrdPath: join(root, 'boot', newest.initrd) }
  throw new Error(
    'the system has no kernel with its initrd in /boot (vmlinuz-RELEASE, initrd.img-RELEASE), which its first boot needs: ' +
      'add linux-image-cloud-amd64 and initramfs-tools to its packages, or build on an image that has them',
  )
}
