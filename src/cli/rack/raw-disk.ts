import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { runProgram } from '../../programs/run-program.ts'

const mib = 2 ** 20

/** An entry of a disk's GPT as sfdisk tells it; `start` and `size` in sectors. */
export type DiskEntry = { node: string; start: number; size: number; type: string; uuid: string; name?: string }

/** A sparse raw file: the disk of a machine that a case looks into while the machine is off. */
export async function makeRawDisk(path: string, sizeBytes: number): Promise<void> {
  await using file = await open(path, 'w')
  await file.truncate(sizeBytes)
}

/** The partition table, from sectors of 512 bytes. */
export async function readEntries(path: string): Promise<DiskEntry[]> {
  const { partitiontable } = JSON.parse(await runProgram('sfdisk', ['--json', path]))
  return partitiontable.partitions
}

/** SHA-256 of the bytes from `startMib` on. */
export async function hashRange(path: string, startMib: number, sizeMib: number): Promise<string> {
  await using file = await open(path, 'r')
  const hash = createHash('sha256')
  for await (const block of file.createReadStream({
    start: startMib * mib,
    end: (startMib + sizeMib) * mib - 1,
    highWaterMark: mib,
    autoClose: false,
  })) {
    hash.update(block)
  }
  return hash.digest('hex')
}
