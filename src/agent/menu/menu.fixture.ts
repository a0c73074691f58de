import type { MenuOffer } from '../../core/console-menu.ts'
import type { Disk } from '../../core/inventory.ts'
import type { ExistingPartition } from '../../core/partition-table.ts'
import { partitionTypes } from '../../core/partition-types.ts'
import { readyLayouts } from '../../core/ready-layouts.ts'
import { type Frame, rowText } from './frame.ts'
import type { Key } from './keys.ts'
import { firstState, type MenuState, press, type Wish } from './menu-state.ts'
import type { MenuWorld } from './selection.ts'

const mib = 2 ** 20

function partition(number: number, startMib: number, sizeMib: number, facts: Partial<ExistingPartition>) {
  const guid = `00000000-0000-4000-8000-00000000000${number}`
  return { number, startBytes: startMib * mib, sizeBytes: sizeMib * mib, type: partitionTypes.linux, guid, ...facts }
}

function disk(device: string, sizeBytes: number, facts: Partial<Disk> = {}): Disk {
  const kind = { bus: 'virtio', rotational: false, removable: false, readOnly: false }
  return { device, ...kind, sizeBytes, logicalSectorBytes: 512, physicalSectorBytes: 512, ...facts }
}

/** Two systems, one of them on btrfs, and some room. */
const lived = disk('/dev/vdb', 30_000 * mib, {
  model: 'QEMU HARDDISK',
  serial: 'LIVED',
  table: {
    kind: 'gpt',
    guid: 'D',
    firstUsableBytes: mib,
    endUsableBytes: 29_999 * mib,
    partitions: [
      partition(1, 1, 1, { type: partitionTypes['bios-boot'] }),
      partition(2, 2, 100, { type: partitionTypes.esp, signature: { type: 'vfat', uuid: '1A2B-3C4D' } }),
      partition(3, 102, 8000, { name: 'bootwright-root', signature: { type: 'ext4', label: 'root' } }),
      partition(4, 8102, 4000, { name: 'pool', signature: { type: 'btrfs', label: 'pool' } }),
      partition(5, 12_102, 2000, { signature: { type: 'ext4', label: 'home' } }),
    ],
  },
})

const offer: MenuOffer = {
  provision: { kind: 'allowed', needsPassword: false },
  images: [
    {
      name: 'debian',
      versions: [
        version('b', Date.UTC(2026, 10, 28, 14, 3), ['current'], 'security updates of November'),
        version('a', Date.UTC(2026, 9, 2, 8, 30), ['previous', 'proven']),
      ],
    },
    { name: 'windows', versions: [{ ...version('c', Date.UTC(2026, 5, 1), ['current']), isWholeDisk: true }] },
  ],
  layouts: [...readyLayouts],
  transfers: [{ name: 'http', title: 'HTTP, from this server' }],
}

/** More disks than digits and rows, whose long names differ in their ends. */
export const crowdedDisks: readonly Disk[] = Array.from({ length: 24 }, (_, index) =>
  disk(`/dev/nvme${index}n1`, 122_880_000_000_000, {
    bus: 'nvme',
    model: `SAMSUNG MZWLO122THBLA-00A07 ENTERPRISE ${index}`,
    serial: `S7U3NY0W70${index.toString().padStart(10, '0')}`,
  }),
)

function version(letter: string, createdAt: number, tags: string[], comment?: string) {
  return {
    id: letter.repeat(64),
    createdAt,
    tags,
    ...(comment && { comment }),
    sizeBytes: 1_400_000_000,
    isWholeDisk: false,
  }
}

export function menuWorld(changes: Partial<MenuWorld> & { offer?: Partial<MenuOffer> } = {}): MenuWorld {
  const { offer: offered, ...rest } = changes
  return {
    machine: 'rack-1',
    server: 'http://10.77.0.1:4280',
    inventory: {
      ...{ firmware: 'bios', architecture: 'x64', smbios: {}, cpu: { model: 'QEMU', count: 1 }, memoryBytes: 2 ** 30 },
      disks: [
        disk('/dev/vda', 4_000 * mib, { model: 'QEMU HARDDISK', serial: 'EMPTY' }),
        lived,
        disk('/dev/sr0', 1 * mib, { readOnly: true, removable: true, model: 'DVD' }),
      ],
      interfaces: [],
      drivers: [],
    },
    view: { kind: 'offer', offer: { ...offer, ...offered } },
    ...rest,
  }
}

/** Keys one after the other: single characters, or names in brackets: `12<down><enter>yes<enter>`. */
export function pressAll(
  keys: string,
  world: MenuWorld,
  from: MenuState = firstState,
): { state: MenuState; wish?: Wish } {
  let outcome: { state: MenuState; wish?: Wish } = { state: from }
  for (const [, name, text] of keys.matchAll(/<([a-z-]+)>|([\s\S])/g)) {
    const key = name === undefined ? { kind: 'text', text: text! } : { kind: name }
    outcome = press(outcome.state, key as Key, world)
  }
  return outcome
}

/** The screen as text, with what is styled between marks. */
export function frameText({ rows }: Frame): string {
  const marks = { title: '#', strong: '*', chosen: '[' } as const
  const lines = rows.map(({ text, style }) => `${style ? marks[style] : ' '}${rowText(text)}`.trimEnd())
  return `${lines.join('\n')}\n`
}
