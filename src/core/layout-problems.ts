import { contentOf, type Layout, type LayoutPartition, type PartitionContent } from './layout.ts'
import type { DeployRendition } from './order.ts'
import type { FileProblem } from './yaml-file.ts'

/** A layout that cannot be, whatever the disk. */
export class LayoutInvalid extends Error {
  override readonly name = 'LayoutInvalid'
  readonly problems: readonly FileProblem[]

  constructor(layout: Layout, problems: readonly FileProblem[]) {
    const sentences = problems.map(({ path, message }) => `${path.join('.')}: ${message}`)
    super(`Cannot use the layout ${layout.name}: ${sentences.join('; ')}`)
    this.problems = problems
  }
}

/** A mount point here would hide what the system starts from, or what the kernel mounts there itself. */
const reservedMounts = /^\/(?:bin|boot|dev|efi|etc|lib\w*|proc|root|run|sbin|sys|tmp|usr)(?:\/|$)/

/** Parts of the version itself: a partition there would hide the version's own with another's, or with nothing. */
const packagePaths = /^\/(?:var|var\/lib|opt)$/

/** The rules between the parts of a layout, which its schema cannot say. */
export function layoutProblems(layout: Layout): FileProblem[] {
  const { partitions } = layout
  const problems = partitions.flatMap((partition, index) =>
    partitionProblems(layout, partition).map(({ path, message }) => ({
      path: ['partitions', index, ...path],
      message,
    })),
  )
  for (const role of ['root', 'esp', 'bios-boot'] as const) {
    const count = partitions.filter((partition) => partition.role === role).length
    if (count > 1) problems.push({ path: ['partitions'], message: `there is more than one ${role} partition` })
  }
  if (!partitions.some((partition) => partition.role === 'root')) {
    problems.push({ path: ['partitions'], message: 'there is no root partition' })
  }
  if (partitions.filter(takesTheRest).length > 1) {
    problems.push({ path: ['partitions'], message: 'more than one new partition takes the rest of the free space' })
  }
  return [...problems, ...mountProblems(partitions)]
}

export function refuseInvalidLayout(layout: Layout): void {
  const problems = layoutProblems(layout)
  if (problems.length > 0) throw new LayoutInvalid(layout, problems)
}

/** A new root, swap or data partition without a size takes the rest; ESP and BIOS boot partition have sizes of their own. */
export function takesTheRest(partition: LayoutPartition): boolean {
  if (partition.find !== undefined) return false
  return partition.size === 'rest' || (partition.size === undefined && partition.role === 'root')
}

function partitionProblems(layout: Layout, partition: LayoutPartition): FileProblem[] {
  const { role, find, filesystem, subvolumes } = partition
  const content = contentOf(partition)
  const isNew = find === undefined
  const holdsFiles = role === 'root' || role === 'data'
  const rules: [boolean, keyof LayoutPartition, string][] = [
    [!isNew && layout.table === 'new', 'find', 'a new table has no existing partitions; say table: kept'],
    [isNew && content !== 'made', 'content', `a new partition's content is made; ${content} needs find`],
    [!isNew && partition.size !== undefined, 'size', 'an existing partition keeps its size'],
    [content === 'received' && role !== 'root', 'content', 'only the root is received'],
    [
      content === 'made' && !isNew && !holdsFiles && role !== 'swap',
      'content',
      `an existing ${role} partition is kept`,
    ],
    [isNew && ['swap', 'data'].includes(role) && partition.size === undefined, 'role', `a new ${role} needs a size`],
    [['bios-boot', 'esp'].includes(role) && partition.size === 'rest', 'size', `the ${role} needs a size`],
    [filesystem !== undefined && !holdsFiles, 'filesystem', `a ${role} partition has its own`],
    [filesystem !== undefined && content !== 'made', 'filesystem', 'what stays keeps its filesystem'],
    [partition.label !== undefined && content !== 'made', 'label', 'what stays keeps its label'],
    [partition.label !== undefined && role === 'bios-boot', 'label', 'a bios-boot partition has no filesystem'],
    [
      partition.keptPaths !== undefined && !(role === 'root' && content === 'kept'),
      'keptPaths',
      'only a kept root has paths that are kept',
    ],
    [partition.mount !== undefined && role !== 'data', 'mount', `a ${role} partition has its own place`],
    [role === 'data' && partition.mount === undefined && !subvolumes, 'role', 'data needs mount or subvolumes'],
    [subvolumes !== undefined && !holdsFiles, 'subvolumes', `a ${role} partition has none`],
    [subvolumes !== undefined && partition.mount !== undefined, 'mount', 'subvolumes have mount points of their own'],
    [
      subvolumes !== undefined && content === 'made' && filesystem !== 'btrfs',
      'subvolumes',
      'only btrfs has subvolumes; say filesystem: btrfs',
    ],
  ]
  return rules.flatMap(([isBroken, name, message]) => (isBroken ? [{ path: [name], message }] : []))
}

/** Every mount point once, none that the system cannot do without; a root's subvolumes may have the root itself. */
function mountProblems(partitions: readonly LayoutPartition[]): FileProblem[] {
  const places = partitions.flatMap((partition, index) => [
    ...(partition.mount === undefined ? [] : [{ path: ['partitions', index, 'mount'], mount: partition.mount }]),
    ...(partition.subvolumes ?? []).map(({ mount }, inner) => ({
      path: ['partitions', index, 'subvolumes', inner, 'mount'],
      mount,
    })),
  ])
  return places.flatMap(({ path, mount }, index) => {
    const partition = partitions[path[1] as number]!
    const isRootItself = mount === '/'
    if (isRootItself && partition.role !== 'root') return [{ path, message: 'the root itself is the root partition' }]
    if (isRootItself && contentOf(partition) === 'received') {
      return [{ path, message: 'a received root has a subvolume for each version; name only those that stay' }]
    }
    if (packagePaths.test(mount))
      return [{ path, message: `${mount} holds what the version's packages know of themselves` }]
    if (reservedMounts.test(mount)) return [{ path, message: `${mount} belongs to the root` }]
    const isTwice = places.findIndex((other) => other.mount === mount) !== index
    return isTwice ? [{ path, message: `${mount} stands there twice` }] : []
  })
}

/** What is written must be what the root can take. Throws LayoutInvalid. */
export function refuseUnfitRendition(layout: Layout, rendition: DeployRendition): void {
  const index = layout.partitions.findIndex(({ role }) => role === 'root')
  const root = layout.partitions[index]!
  const content = contentOf(root)
  const message = unfit(layout, root, content, rendition)
  if (message !== undefined) throw new LayoutInvalid(layout, [{ path: ['partitions', index, 'content'], message }])
}

function unfit(
  layout: Layout,
  root: LayoutPartition,
  content: PartitionContent,
  rendition: DeployRendition,
): string | undefined {
  if (rendition === 'disk' && layout.table === 'kept') return 'the rendition disk brings a table and keeps nothing'
  if (content === 'received' && rendition !== 'btrfs') return `only the rendition btrfs is received, not ${rendition}`
  if (rendition === 'volume' && root.subvolumes) return 'the rendition volume is a filesystem without subvolumes'
  if (rendition !== 'btrfs') return undefined
  if (content === 'kept') return 'the rendition btrfs is received, or written to a root that is made'
  if (root.subvolumes?.some(({ mount }) => mount === '/'))
    return 'with the rendition btrfs each version is a subvolume; name only those that stay'
  return content === 'made' && root.filesystem !== 'btrfs' ? 'the rendition btrfs needs filesystem: btrfs' : undefined
}
