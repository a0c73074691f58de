import type { Disk } from '../../core/inventory.ts'
import { oneLine } from '../../core/one-line.ts'
import type { ExistingPartition, PartitionTable, Signature } from '../../core/partition-table.ts'
import { ProgramFailed, runProgram } from '../../programs/run-program.ts'

export type DiskContent = { table?: PartitionTable; signature?: Signature }

const readTimeoutMs = 30_000

/** sfdisk --json, as far as we read it; numbers are sectors of the disk. */
type SfdiskTable = {
  label: string
  id?: string
  firstlba?: number
  lastlba?: number
  sectorsize?: number
  partitions?: { node: string; start: number; size: number; type: string; uuid?: string; name?: string }[]
}

/**
 * What lies on a disk: its partition table with what each partition holds, or what the disk itself holds. It is read
 * from the device alone, whatever the kernel made of it. Text on disks is anybody's: it is made safe to print.
 * Throws ProgramFailed when the disk cannot be read.
 */
export async function readDiskContent(device: string, sizeBytes: number, signal?: AbortSignal): Promise<DiskContent> {
  const options = { timeoutMs: readTimeoutMs, ...(signal && { signal }) }
  const found = await readTable(device, options)
  if (found === undefined) {
    const signature = await probe([device], options)
    return signature === undefined ? {} : { signature }
  }
  const sectorBytes = found.sectorsize ?? 512
  const partitions: ExistingPartition[] = []
  for (const entry of (found.partitions ?? []).toSorted((a, b) => a.start - b.start)) {
    const startBytes = entry.start * sectorBytes
    const place = ['--offset', String(startBytes), '--size', String(entry.size * sectorBytes)]
    const signature = await probe([...place, device], options)
    partitions.push({
      number: Number(/(\d+)$/.exec(entry.node)?.[1] ?? 0),
      startBytes,
      sizeBytes: entry.size * sectorBytes,
      type: entry.type.toUpperCase(),
      ...(entry.uuid && { guid: entry.uuid.toUpperCase() }),
      ...(entry.name && { name: oneLine(entry.name) }),
      ...(signature && { signature }),
    })
  }
  return {
    table: {
      kind: isProtective(found) ? 'gpt-of-another-sector-size' : found.label,
      ...(found.label === 'gpt' && found.id && { guid: found.id.toUpperCase() }),
      firstUsableBytes: (found.firstlba ?? 1) * sectorBytes,
      endUsableBytes: found.lastlba === undefined ? sizeBytes : (found.lastlba + 1) * sectorBytes,
      partitions,
    },
  }
}

/** Disks with what lies on them. One that cannot be read (a path that is down, a foreign lock) is told and goes without. */
export async function readDiskContents(disks: readonly Disk[], onTrouble: (text: string) => void): Promise<Disk[]> {
  const read = async ({ table: _table, signature: _signature, ...disk }: Disk) => {
    try {
      return { ...disk, ...(await readDiskContent(disk.device, disk.sizeBytes)) }
    } catch (error) {
      onTrouble(`the partition table of ${disk.device} cannot be read: ${(error as Error).message}`)
      return disk
    }
  }
  return Promise.all(disks.map(read))
}

/** A GPT that does not begin at the disk's second sector: written where sectors had another size. */
function isProtective({ label, partitions }: SfdiskTable): boolean {
  return label === 'dos' && partitions?.some(({ type }) => type === 'ee') === true
}

async function readTable(device: string, options: { timeoutMs: number }): Promise<SfdiskTable | undefined> {
  try {
    return JSON.parse(await runProgram('sfdisk', ['--json', device], options)).partitiontable
  } catch (error) {
    if (error instanceof ProgramFailed && /recognized partition table/.test(error.stderr)) return undefined
    throw error
  }
}

/** What lies at the beginning of a device. Throws ProgramFailed when it cannot be read. */
export function readSignature(device: string): Promise<Signature | undefined> {
  return probe([device], { timeoutMs: readTimeoutMs })
}

/** blkid ends with 2 where it knows nothing, and with 8 where it finds more than one thing. */
async function probe(place: string[], options: { timeoutMs: number }): Promise<Signature | undefined> {
  try {
    return parseSignature(await runProgram('blkid', ['--probe', '--output', 'export', ...place], options))
  } catch (error) {
    if (error instanceof ProgramFailed && /ended with code (?:2|8)\b/.test(error.message)) return undefined
    throw error
  }
}

/** Lines of NAME=value, where a backslash stands before what a shell would not take as it is. */
export function parseSignature(text: string): Signature | undefined {
  const values = new Map(
    text.split('\n').map((line) => {
      const [name = '', ...rest] = line.split('=')
      return [name, oneLine(rest.join('=').replace(/\\(.)/g, '$1'))]
    }),
  )
  const [type, label, uuid] = ['TYPE', 'LABEL', 'UUID'].map((name) => values.get(name))
  if (!type) return undefined
  return { type, ...(label && { label }), ...(uuid && { uuid }) }
}
