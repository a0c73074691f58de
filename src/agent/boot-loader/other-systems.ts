import { oneLine } from '../../core/one-line.ts'
import type { ExistingPartition } from '../../core/partition-table.ts'
import { quoteGrub } from './grub-config.ts'

const withSystems = ['ext4', 'ext3', 'ext2', 'btrfs', 'xfs']
/** Where other systems have their own menu, from the top of their filesystem: Debian, Fedora and SUSE, btrfs in `@`. */
const menus = ['/boot/grub/grub.cfg', '/boot/grub2/grub.cfg', '/@/boot/grub/grub.cfg']

/**
 * Menu entries for the systems of partitions that are not ours, which under BIOS have no other way to start once the disk's
 * boot code is ours. What is in those partitions is looked at by GRUB alone, at every start: an entry is there when the
 * partition has a menu. Undefined where there is nothing to look at.
 */
export function renderOtherSystems(
  partitions: readonly Pick<ExistingPartition, 'number' | 'signature'>[],
): string | undefined {
  const entries = partitions.flatMap(({ number, signature }) => {
    if (!signature?.uuid || !withSystems.includes(signature.type)) return []
    const name = `System on partition ${number}${signature.label ? ` (${oneLine(signature.label, 40)})` : ''}`
    return menus.flatMap((menu) => renderEntry(name, signature.uuid!, menu))
  })
  if (entries.length === 0) return undefined
  return `${['# Written by Bootwright: other systems of this disk, by their own menus.', ...entries].join('\n')}\n`
}

function renderEntry(name: string, uuid: string, menu: string): string[] {
  const find = `search --no-floppy --fs-uuid --set=other ${quoteGrub(uuid)}`
  return [
    `if ${find}; then`,
    `  if [ -f ($other)${menu} ]; then`,
    `    menuentry ${quoteGrub(name)} {`,
    `      ${find}`,
    '      set root=$other',
    `      set prefix=($other)${menu.slice(0, menu.lastIndexOf('/'))}`,
    `      configfile ($other)${menu}`,
    '    }',
    '  fi',
    'fi',
  ]
}
