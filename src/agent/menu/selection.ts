import type { MenuChoice, MenuImage, MenuOffer, MenuTransfer, MenuVersion } from '../../core/console-menu.ts'
import { exactDiskRule } from '../../core/exact-disk-rule.ts'
import type { Disk, Inventory } from '../../core/inventory.ts'
import { contentOf, type FilesystemType, type Layout, rootOf } from '../../core/layout.ts'
import type { ExistingPartition } from '../../core/partition-table.ts'
import { type DiskPlanning, planDisk } from '../../core/plan-disk.ts'
import { withRootFilesystem } from '../../core/ready-layouts.ts'

/** What the menu knows of the server: nothing yet, what it offers, or why it does not answer. */
export type ServerView =
  | { kind: 'asking' }
  | { kind: 'offer'; offer: MenuOffer }
  | { kind: 'unreachable'; reason: string }

/** What is chosen from. */
export type MenuWorld = {
  machine: string
  /** Address of the server. */
  server: string
  inventory: Inventory
  view: ServerView
}

/** What was chosen so far. */
export type Selection = {
  image?: MenuImage
  version?: MenuVersion
  disk?: Disk
  layout?: Layout
  /** The existing partition that becomes the root, where the layout has one. */
  root?: ExistingPartition
  /** Of a root that is made. */
  filesystem?: FilesystemType
  transfer?: MenuTransfer
}

/** Fresh GUIDs are not shown. */
const anyGuid = () => '00000000-0000-0000-0000-000000000000'

/** The layout with the partition that was chosen for its root. */
export function chosenLayout({ layout, root, filesystem }: Selection): Layout | undefined {
  if (layout === undefined) return undefined
  const targeted = root?.guid === undefined ? layout : withRoot(layout, root.guid)
  return filesystem === undefined ? targeted : withRootFilesystem(targeted, filesystem)
}

function withRoot(layout: Layout, guid: string): Layout {
  const partitions = layout.partitions.map((partition) => {
    // What is kept by default stays so; the layout says what becomes of the root.
    return partition.role === 'root' ? { ...partition, find: { guid }, content: contentOf(partition) } : partition
  })
  return { ...layout, partitions }
}

export function planFor(layout: Layout, disk: Disk, { firmware, architecture }: Inventory): DiskPlanning {
  return planDisk({ layout, disk, firmware, architecture }, anyGuid)
}

/** The existing partitions that could be the layout's root on that disk. */
export function possibleRoots(layout: Layout, disk: Disk, inventory: Inventory): ExistingPartition[] {
  return (disk.table?.partitions ?? []).filter(
    ({ guid }) => guid !== undefined && planFor(withRoot(layout, guid), disk, inventory).kind === 'plan',
  )
}

export function hasExistingRoot(layout: Layout): boolean {
  return rootOf(layout).find !== undefined
}

export function choosesFilesystem(layout: Layout): boolean {
  const root = rootOf(layout)
  return contentOf(root) === 'made' && root.filesystem === undefined
}

/** As it is sent to the server; undefined while something is missing. */
export function choiceOf(selection: Selection, disks: readonly Disk[]): MenuChoice | undefined {
  const { image, version, disk, filesystem, transfer } = selection
  const layout = chosenLayout(selection)
  const rule = disk && exactDiskRule(disk, disks)
  if (!image || !version || !layout || !rule || !transfer) return undefined
  return {
    image: `${image.name}@${version.id}`,
    disk: rule,
    layout,
    ...(filesystem && { filesystem }),
    transfer: transfer.name,
  }
}
