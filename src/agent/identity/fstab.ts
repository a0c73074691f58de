import type { EfiSystemPartition, OtherFilesystem, RootFilesystem } from '../disk/filesystems.ts'

/** Of a PreparedDisk's filesystems, what a line of fstab has. */
export type FstabFilesystems = {
  root: Pick<RootFilesystem, 'uuid' | 'type' | 'subvolume'>
  esp?: Pick<EfiSystemPartition, 'uuid'>
  others: readonly OtherFilesystem[]
}

/** Mount points the layout decides; whatever the image says of them belongs to another machine. */
const ours = new Set(['/', '/boot', '/boot/efi', 'none', 'swap'])
/** Sources that name a disk of the machine the image was made on. */
const foreignSource = /^(?:UUID=|LABEL=|PARTUUID=|PARTLABEL=|\/dev\/)/

/**
 * The deployed machine's /etc/fstab: ours first, then what the image mounts without a disk (tmpfs, NFS, bind). Lines
 * about other disks stay as comments. The ESP is mounted only where its loader is used, and never holds up a boot.
 */
export function renderFstab(
  filesystems: FstabFilesystems,
  firmware: 'bios' | 'uefi',
  imageFstab: string | undefined,
): string {
  const { root, esp, others } = filesystems
  const subvolume = root.subvolume === undefined ? '' : `,subvol=${root.subvolume}`
  const options = root.type === 'ext4' ? 'errors=remount-ro' : `defaults${subvolume}`
  // The pass number asks for a check at boot; btrfs and XFS have none.
  const lines = [
    '# Written by Bootwright when it deployed this machine.',
    `UUID=${root.uuid} / ${root.type} ${options} 0 ${root.type === 'ext4' ? 1 : 0}`,
  ]
  if (firmware === 'uefi' && esp) lines.push(`UUID=${esp.uuid} /boot/efi vfat umask=0077,nofail 0 1`)
  lines.push(...others.map(renderOther))
  const mountPoints = new Set([...ours, ...others.flatMap((other) => (other.role === 'data' ? [other.mount] : []))])
  for (const line of (imageFstab ?? '').split('\n')) {
    const kept = keptLine(line, mountPoints)
    if (kept !== undefined) lines.push(kept)
  }
  return `${lines.join('\n')}\n`
}

function renderOther(other: OtherFilesystem): string {
  if (other.role === 'swap') return `UUID=${other.uuid} none swap sw 0 0`
  const options = other.subvolume === undefined ? 'defaults' : `defaults,subvol=${other.subvolume}`
  return `UUID=${other.uuid} ${other.mount} ${other.type} ${options} 0 ${other.type === 'ext4' ? 2 : 0}`
}

function keptLine(line: string, mountPoints: ReadonlySet<string>): string | undefined {
  const [source = '', mountPoint = ''] = line.trim().split(/\s+/)
  if (source === '' || source.startsWith('#') || mountPoints.has(mountPoint)) return undefined
  return foreignSource.test(source) ? `# not a disk of this machine: ${line.trim()}` : line.trim()
}
