import { ProgramFailed, runProgram } from '../../programs/run-program.ts'
import type { Stretch } from './probe-filesystem.ts'

/** `number` as in /dev/sdaN; `uuid` and `name` are PARTUUID and PARTLABEL of fstab(5). */
export type Partition = Stretch & { number: number; uuid: string | undefined; name: string | undefined }

/** What is used of `sfdisk --json`. */
type Table = {
  partitiontable: {
    label: string
    sectorsize?: number
    partitions?: { node: string; start: number; size: number; type: string; uuid?: string; name?: string }[]
  }
}

const protectiveType = 'ee'
const extendedTypes = ['5', 'f', '85']

/**
 * Partitions of a raw disk, GPT or MBR with its logical ones; undefined where there is no table. A disk with sectors of
 * 4096 bytes is seen as one through a loop device, for which it needs root. Throws ProgramFailed.
 */
export async function readPartitions(disk: string): Promise<Partition[] | undefined> {
  const table = await readTable(disk)
  if (!table) return undefined
  const isProtective = table.partitiontable.partitions?.every(({ type }) => type === protectiveType)
  if (table.partitiontable.label !== 'dos' || !isProtective) return partitionsOf(table, disk)
  const device = (
    await runProgram('losetup', ['--find', '--show', '--read-only', '--sector-size', '4096', disk])
  ).trim()
  try {
    const wide = await readTable(device)
    return wide && partitionsOf(wide, device)
  } finally {
    await runProgram('losetup', ['--detach', device])
  }
}

async function readTable(disk: string): Promise<Table | undefined> {
  try {
    return JSON.parse(await runProgram('sfdisk', ['--json', disk])) as Table
  } catch (error) {
    if (error instanceof ProgramFailed && /does not contain a recognized partition table/.test(error.message)) {
      return undefined
    }
    throw error
  }
}

function partitionsOf({ partitiontable }: Table, disk: string): Partition[] {
  const { sectorsize = 512, partitions = [] } = partitiontable
  return partitions
    .filter(({ type }) => !(partitiontable.label === 'dos' && extendedTypes.includes(type)))
    .map(({ node, start, size, uuid, name }) => ({
      number: Number(/(\d+)$/.exec(node.slice(disk.length))?.[1]),
      startBytes: start * sectorsize,
      sizeBytes: size * sectorsize,
      uuid: uuid?.toLowerCase(),
      name,
    }))
}
