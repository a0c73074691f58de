/** A kernel of the image with its initramfs, by file name in /boot. */
export type Kernel = { version: string; kernel: string; initrd: string | undefined }

/**
 * The newest kernel among the names in /boot, as Debian, Fedora, SUSE and Alpine name them; undefined when there is
 * none. Rescue kernels are not candidates.
 */
export function chooseKernel(names: readonly string[]): Kernel | undefined {
  const versions = names
    .map((name) => /^(?:vmlinuz|vmlinux|Image)-(.+)$/.exec(name))
    .filter((match) => match !== null)
    .filter((match) => !/rescue|\.(?:old|bak|dpkg-\w+)$/.test(match[1]!))
    .map((match) => ({ kernel: match[0], version: match[1]! }))
    .sort((a, b) => compareVersions(a.version, b.version))
  const newest = versions.at(-1)
  if (newest === undefined) return undefined
  return { ...newest, initrd: initrdNames(newest.version).find((name) => names.includes(name)) }
}

function initrdNames(version: string): string[] {
  return [`initrd.img-${version}`, `initramfs-${version}.img`, `initrd-${version}`, `initramfs-${version}`]
}

/** Numbers by value, text by letters; `6.9-rc1` and `6.9~rc1` come before `6.9`. */
export function compareVersions(a: string, b: string): number {
  const left = parts(a)
  const right = parts(b)
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const order = comparePart(left[index], right[index])
    if (order !== 0) return order
  }
  return 0
}

function parts(version: string): string[] {
  return version.replace(/[-~]?(rc\d)/g, '~$1').match(/~|\d+|[^\d~]+/g) ?? []
}

function comparePart(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0
  if (a === '~' || b === '~') return a === '~' ? -1 : 1
  if (a === undefined || b === undefined) return a === undefined ? -1 : 1
  const numeric = Number(a) - Number(b)
  return Number.isNaN(numeric) ? (a < b ? -1 : 1) : numeric
}
