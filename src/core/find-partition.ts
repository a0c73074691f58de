import { describePartition } from './draw-disk.ts'
import { contentOf, type LayoutPartition, type PartitionMatch } from './layout.ts'
import type { ExistingPartition } from './partition-table.ts'
import { typeGuidsOf } from './partition-types.ts'

export type PartitionChoice = { kind: 'partition'; partition: ExistingPartition } | { kind: 'refused'; reason: string }

const bootableFilesystems = ['ext4', 'btrfs', 'xfs']
/** blkid's names for what is no filesystem by itself: mounting it needs somebody to assemble or open it first. */
const containers = /_member$|^crypto_|^swap$|^mpath/

/** The one partition that a layout's `find` means, and that can be used as it says. */
export function findPartition(wanted: LayoutPartition, candidates: readonly ExistingPartition[]): PartitionChoice {
  const match = wanted.find ?? {}
  const matching = candidates.filter((candidate) => satisfies(match, candidate))
  const what = `the ${wanted.role} partition (${describeMatch(match)})`
  if (matching.length !== 1) {
    const count = matching.length === 0 ? 'no partition matches' : `${matching.length} partitions match`
    return { kind: 'refused', reason: `${count} ${what}` }
  }
  const partition = matching[0]!
  const problem = contentProblem(wanted, partition)
  if (problem === undefined) return { kind: 'partition', partition }
  return { kind: 'refused', reason: `${describePartition(partition)} matches ${what}, but ${problem}` }
}

function satisfies(match: PartitionMatch, { signature, name, type, guid }: ExistingPartition): boolean {
  return (
    (match.guid === undefined || guid?.toUpperCase() === match.guid.toUpperCase()) &&
    (match.label === undefined || signature?.label === match.label) &&
    (match.partitionLabel === undefined || name === match.partitionLabel) &&
    (match.filesystem === undefined || signature?.type === match.filesystem) &&
    (match.type === undefined || typeGuidsOf(match.type)?.includes(type) === true)
  )
}

/** What stays must be what its role says. */
function contentProblem(wanted: LayoutPartition, { signature }: ExistingPartition): string | undefined {
  const content = contentOf(wanted)
  if (content === 'made' || wanted.role === 'bios-boot') return undefined
  const there = signature?.type
  if (there === undefined) return 'nothing known is in it'
  if (wanted.role === 'esp') return there === 'vfat' ? undefined : `it holds ${there} and no FAT filesystem`
  if (wanted.role === 'swap') return there === 'swap' ? undefined : `it holds ${there} and no swap space`
  if (content === 'received') return there === 'btrfs' ? undefined : `it holds ${there}; only btrfs is received into`
  if (wanted.role === 'root' && !bootableFilesystems.includes(there)) return `it holds ${there}, which is no root`
  if (wanted.subvolumes && there !== 'btrfs') return `it holds ${there}, which has no subvolumes`
  return containers.test(there) ? `it holds ${there}, which is no filesystem` : undefined
}

function describeMatch(match: PartitionMatch): string {
  return Object.entries(match)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ')
}
