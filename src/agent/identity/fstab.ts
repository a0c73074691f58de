import type { Filesystems } from '../disk/make-filesystems.ts'

/** Mount points the layout decides; whatever the image says of them belongs to another machine. */
const ours = new Set(['/', '/boot', '/boot/efi', 'none', 'swap'])
/** Sources that name a disk of the machine the image was made on. */
const foreignSource = /^(?:UUID=|LABEL=|PARTUUID=|PARTLABEL=|\/dev\/)/

/**
 * The deployed machine's /etc/fstab: ours first, then what the image mounts without a disk (tmpfs, NFS, bind). Lines
 * about other disks stay as comments. The ESP is mounted only where its loader is used, and never holds up a boot.
 */
export function renderFstab(
  filesystems: Filesystems,
  firmware: 'bios' | 'uefi',
  imageFstab: string | undefined,
): string {
  const { root, esp } = filesystems
  const options = root.type === 'ext4' ? 'errors=remount-ro' : 'defaults'
  // The pass number asks for a check at boot; btrfs and XFS have none.
  const lines = [
    '# Written by Bootwright when it deployed this machine.',
    `UUID=${root.uuid} / ${root.type} ${options} 0 ${root.type === 'ext4' ? 1 : 0}`,
  ]
  if (firmware === 'uefi') lines.push(`UUID=${esp.uuid} /boot/efi vfat umask=0077,nofail 0 1`)
  for (const line of (imageFstab ?? '').split('\n')) {
    const kept = keptLine(line)
    if (kept !== undefined) lines.push(kept)
  }
  return `${lines.join('\n')}\n`
}

function keptLine(line: string): string | undefined {
  const [source = '', mountPoint = ''] = line.trim().split(/\s+/)
  if (source === '' || source.startsWith('#') || ours.has(mountPoint)) return undefined
  return foreignSource.test(source) ? `# not a disk of this machine: ${line.trim()}` : line.trim()
}
