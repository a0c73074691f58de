import type { ImageSetting } from './image-setting.ts'

export type DiskFilesystem = 'ext4' | 'xfs' | 'btrfs' | 'vfat' | 'swap'

export type PartitionPlan = {
  filesystem: DiskFilesystem
  sizeMiB: number
  label: string
  /** Puts files under the directory on which it is mounted; its path from the setting's directory. */
  fill?: (mountedAt: string) => void
}

const make: Record<DiskFilesystem, string> = {
  ext4: 'mkfs.ext4 -q -b 4096 -L',
  xfs: 'mkfs.xfs -q -L',
  btrfs: 'mkfs.btrfs -q -L',
  vfat: 'mkfs.vfat -n',
  swap: 'mkswap -q -L',
}
const firstMiB = 4

/** Makes NAME, a raw disk, by the ordinary tools: filesystems in files of their own, which are put behind a table. */
export function makeDisk(
  setting: ImageSetting,
  name: string,
  plans: readonly PartitionPlan[],
  { label = 'gpt', sectorBytes = 512 }: { label?: 'gpt' | 'dos'; sectorBytes?: number } = {},
): void {
  const totalMiB = plans.reduce((sum, plan) => sum + plan.sizeMiB + 1, firstMiB * 2)
  setting.run(`truncate -s ${totalMiB}M ${name}`)
  let startMiB = firstMiB
  const lines = [`label: ${label}`]
  plans.forEach((plan, at) => {
    const number = at + 1
    const part = `${name}.${number}`
    setting.run(
      `truncate -s ${plan.sizeMiB}M ${part} && ${make[plan.filesystem]} ${plan.label} ${part} && mkdir ${part}.d`,
    )
    if (plan.fill) {
      setting.run(`mount -o loop ${part} ${part}.d`)
      try {
        plan.fill(`${part}.d`)
      } finally {
        setting.run(`umount ${part}.d`)
      }
    }
    // A logical partition has a sector of its own before it.
    const isLogical = label === 'dos' && number > 4
    if (label === 'dos' && number === 4) throw new RangeError('the fourth is the extended one')
    lines.push(
      partitionLine({ number, startMiB, sizeMiB: plan.sizeMiB, sectorBytes, isGpt: label === 'gpt', isLogical }),
    )
    setting.run(`dd if=${part} of=${name} bs=1M seek=${startMiB} conv=notrunc,sparse status=none`)
    startMiB += plan.sizeMiB + 1
  })
  writeTable(setting, name, lines.join('\n'), sectorBytes)
}

function partitionLine(part: {
  number: number
  startMiB: number
  sizeMiB: number
  sectorBytes: number
  isGpt: boolean
  isLogical: boolean
}): string {
  const sectors = (mebibytes: number) => (mebibytes * 2 ** 20) / part.sectorBytes
  const uuid = `0fc63daf-0000-4000-8000-00000000000${part.number}`
  const own = part.isGpt ? `, uuid=${uuid}, name=part${part.number}` : ''
  return `${part.number}: start=${sectors(part.startMiB)}, size=${sectors(part.sizeMiB)}${own}`
}

function writeTable(setting: ImageSetting, name: string, table: string, sectorBytes: number): void {
  if (sectorBytes === 512) {
    setting.run(`sfdisk -q ${name} <<'END'\n${table}\nEND`)
    return
  }
  const device = setting.run(`losetup --find --show --sector-size ${sectorBytes} ${name}`).trim()
  setting.run(`sfdisk -q --no-reread --no-tell-kernel ${device} <<'END'\n${table}\nEND\nsync; losetup -d ${device}`)
}
