import type { MenuImage, MenuOffer, MenuVersion } from '../../core/console-menu.ts'
import { describePartition, drawDisk } from '../../core/draw-disk.ts'
import { exactDiskRule } from '../../core/exact-disk-rule.ts'
import type { Disk, Inventory } from '../../core/inventory.ts'
import { contentOf, type FilesystemType, type Layout, rootOf } from '../../core/layout.ts'
import {
  choosesFilesystem,
  hasExistingRoot,
  type MenuWorld,
  planFor,
  possibleRoots,
  type Selection,
} from './selection.ts'

/** One line of a list. */
export type Option = {
  label: string
  /** Heading above the first of several. */
  group?: string
  /** Shown below the list while the line is marked. */
  about?: string
  /** Why it cannot be chosen. */
  refusal?: string
  sets: Partial<Selection>
}

/** The questions of "provision", in order. */
export const questions = ['image', 'version', 'disk', 'layout', 'root', 'filesystem', 'transfer'] as const
export type Question = (typeof questions)[number]

export const questionTitles: Record<Question, string> = {
  image: 'Which image?',
  version: 'Which version? The newest is first',
  disk: 'Onto which disk?',
  layout: 'What becomes of the disk?',
  root: 'Into which partition?',
  filesystem: 'Which filesystem?',
  transfer: 'How does it come here?',
}

/** What can be answered; undefined where the question does not arise. */
export function optionsOf(question: Question, selection: Selection, world: MenuWorld): Option[] | undefined {
  if (world.view.kind !== 'offer') return undefined
  const { offer } = world.view
  const { image, version, disk, layout } = selection
  switch (question) {
    case 'image':
      return offer.images.map(imageOption)
    case 'version':
      return image?.versions.map(versionOption)
    case 'disk':
      return version && world.inventory.disks.map((each) => diskOption(each, version, world.inventory.disks))
    case 'layout':
      return version && disk && layoutOptions(offer, version, disk, world.inventory)
    case 'root':
      return layout && disk && hasExistingRoot(layout) ? rootOptions(layout, disk, world.inventory) : undefined
    case 'filesystem':
      return layout && choosesFilesystem(layout) && version?.isWholeDisk === false ? filesystemOptions : undefined
    case 'transfer':
      return offer.transfers.map((transfer) => ({ label: transfer.title, sets: { transfer } }))
  }
}

function imageOption(image: MenuImage): Option {
  const { name, versions } = image
  const [newest] = versions
  const count = versions.length === 1 ? '1 version' : `${versions.length} versions`
  const about = newest?.comment === undefined ? name : `${name}, the newest: ${newest.comment}`
  return { label: columns([name, 32], [count, 13], [newest ? `newest ${day(newest)}` : '']), about, sets: { image } }
}

function versionOption(version: MenuVersion): Option {
  const { id, tags, comment = '', sizeBytes } = version
  const size = `${(sizeBytes / 1e9).toFixed(1)} GB`
  return {
    label: columns([minute(version), 17], [id.slice(0, 12), 13], [size, 8], [tags.join(','), 18], [comment]),
    about: [`Version ${id.slice(0, 12)}, made ${minute(version)} UTC`, tags.join(', '), comment]
      .filter(Boolean)
      .join(': '),
    sets: { version },
  }
}

function diskOption(disk: Disk, version: MenuVersion, disks: readonly Disk[]): Option {
  const { device, model = 'model unknown', serial, sizeBytes, bus } = disk
  const label = columns(
    [device.replace('/dev/', ''), 9],
    [`${(sizeBytes / 1e9).toFixed(1)} GB`, 12],
    [bus, 7],
    [model, 22],
    [serialOf({ ...disk, ...(serial !== undefined && { serial: endOf(serial) }) })],
  )
  const refusal = refusalOfDisk(disk, version, disks)
  return {
    label,
    about: `${device} (${model}, ${serialOf(disk)}) now: ${drawDisk(disk).map(squeeze).join(' | ')}`,
    ...(refusal && { refusal }),
    sets: { disk },
  }
}

const shownOfSerial = 17

/** Serial numbers of one delivery differ in their ends. */
function endOf(serial: string): string {
  return serial.length > shownOfSerial ? `...${serial.slice(3 - shownOfSerial)}` : serial
}

export function serialOf({ serial }: Disk): string {
  return serial === undefined ? 'no serial number' : `serial ${serial}`
}

function refusalOfDisk(disk: Disk, { sizeBytes }: MenuVersion, disks: readonly Disk[]): string | undefined {
  if (disk.readOnly) return 'this disk is read-only'
  if (sizeBytes > disk.sizeBytes) {
    return `it has ${(disk.sizeBytes / 1e9).toFixed(1)} GB, and the version needs ${(sizeBytes / 1e9).toFixed(1)} GB`
  }
  if (exactDiskRule(disk, disks)) return undefined
  return 'nothing tells it from another disk of this machine: same model and size, no serial number'
}

/** By what becomes of the root, in the order in which they are offered. */
const kinds: readonly [string, (layout: Layout) => boolean][] = [
  ['Overwrite the whole disk', ({ table }) => table === 'new'],
  ['Reformat a partition, keep the others', (layout) => rootIs(layout, 'made') && hasExistingRoot(layout)],
  ['Make the files of a partition equal to the version', (layout) => rootIs(layout, 'kept')],
  ['Receive into an existing btrfs filesystem', (layout) => rootIs(layout, 'received')],
  ['Use unpartitioned space', () => true],
]

function rootIs(layout: Layout, content: ReturnType<typeof contentOf>): boolean {
  return contentOf(rootOf(layout)) === content
}

function layoutOptions(offer: MenuOffer, version: MenuVersion, disk: Disk, inventory: Inventory): Option[] {
  const all = offer.layouts.map((layout) => ({ layout, kind: kinds.findIndex(([, belongs]) => belongs(layout)) }))
  return all
    .toSorted((a, b) => a.kind - b.kind)
    .map(({ layout, kind }) => {
      const refusal = refusalOfLayout(layout, version, disk, inventory)
      return {
        label: columns([layout.name, 18], [layout.description ?? '']),
        group: kinds[kind]![0],
        about: layout.description ?? '',
        ...(refusal && { refusal }),
        sets: { layout },
      }
    })
}

function refusalOfLayout(layout: Layout, version: MenuVersion, disk: Disk, inventory: Inventory): string | undefined {
  if (version.isWholeDisk && layout.name !== 'whole-disk') {
    return 'this image is a disk as it is, with partitions of its own: it overwrites the whole disk'
  }
  if (hasExistingRoot(layout) && possibleRoots(layout, disk, inventory).length > 0) return undefined
  const { signature, table } = disk
  const hasBtrfs = [signature, ...(table?.partitions ?? []).map((each) => each.signature)].some(
    (each) => each?.type === 'btrfs',
  )
  if (rootIs(layout, 'received') && !hasBtrfs) return `there is no btrfs filesystem on ${disk.device} to receive into`
  const planning = planFor(layout, disk, inventory)
  return planning.kind === 'refused' ? planning.reason : undefined
}

function rootOptions(layout: Layout, disk: Disk, inventory: Inventory): Option[] {
  const loses = rootIs(layout, 'made') ? 'What is in it is lost.' : 'What is in it stays, as the layout says.'
  return possibleRoots(layout, disk, inventory).map((root) => ({
    label: describePartition(root),
    about: loses,
    sets: { root },
  }))
}

const filesystems: readonly [FilesystemType, string][] = [
  ['ext4', 'what most systems use'],
  ['xfs', 'for large files and many processors'],
  ['btrfs', 'snapshots and checksums'],
]

const filesystemOptions: Option[] = filesystems.map(([filesystem, about]) => ({
  label: columns([filesystem, 18], [about]),
  sets: { filesystem },
}))

/** Cells with their widths, the last one open; what is too long for its cell ends in dots. */
function columns(...cells: readonly [string, number?][]): string {
  const texts = cells.map(([text, width]) => {
    if (width === undefined) return text
    return (text.length < width ? text : `${text.slice(0, width - 4)}...`).padEnd(width)
  })
  return texts.join('').trimEnd()
}

function squeeze(line: string): string {
  return line.trim().replace(/\s+/g, ' ')
}

function minute({ createdAt }: MenuVersion): string {
  return new Date(createdAt).toISOString().slice(0, 16).replace('T', ' ')
}

function day(version: MenuVersion): string {
  return minute(version).slice(0, 10)
}
