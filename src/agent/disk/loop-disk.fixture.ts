import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Disk } from '../../core/inventory.ts'
import type { LocatePartitions } from './partition-disk.ts'

/** A file that is a disk for the agent's own code; partitions are loop devices over parts of it. */
export type LoopDisk = {
  directory: string
  file: string
  /** Attaches the disk anew, so that nothing is answered from the cache of a former device. */
  attach(): Disk
  locate: LocatePartitions
  /** Detaches everything that is attached. */
  detach(): void
  hash(place: { startBytes: number; sizeBytes: number }): string
}

/** Undefined where this machine or user has no loop devices: the test is skipped then. */
export function loopDisk(t: TestContext, sizeBytes: number, sectorBytes: 512 | 4096): LoopDisk | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'loop-disk-'))
  const file = join(directory, 'disk')
  execFileSync('truncate', ['-s', String(sizeBytes), file])
  const attached: string[] = []
  const attach = (args: string[]): string => {
    const sector = ['--sector-size', String(sectorBytes)]
    const device = execFileSync('losetup', ['--find', '--show', ...sector, ...args, file], {
      encoding: 'utf8',
      stdio: 'pipe',
    })
    attached.push(device.trim())
    return device.trim()
  }
  const detach = () => {
    for (const device of attached.splice(0)) execFileSync('losetup', ['--detach', device])
  }
  t.after(() => {
    detach()
    rmSync(directory, { recursive: true })
  })
  try {
    attach([])
    detach()
  } catch (error) {
    if (process.env.REQUIRE_INTEROP === '1') throw error
    t.skip('needs root and loop devices')
    return undefined
  }
  const facts = { bus: 'virtio', rotational: false, removable: false, readOnly: false }
  const sectors = { logicalSectorBytes: sectorBytes, physicalSectorBytes: 4096 }
  return {
    directory,
    file,
    attach: () => ({ device: attach([]), ...facts, sizeBytes, ...sectors }),
    locate: async (_disk, plan) =>
      new Map(
        plan.partitions.map(({ number, startBytes, sizeBytes: size }) => [
          number,
          attach(['--offset', String(startBytes), '--sizelimit', String(size)]),
        ]),
      ),
    detach,
    hash: (place) => hashRange(file, place),
  }
}

function hashRange(file: string, { startBytes, sizeBytes }: { startBytes: number; sizeBytes: number }): string {
  const hash = createHash('sha256')
  const block = Buffer.alloc(2 ** 20)
  const fd = openSync(file, 'r')
  try {
    for (let at = 0; at < sizeBytes; at += block.length) {
      const length = readSync(fd, block, 0, Math.min(block.length, sizeBytes - at), startBytes + at)
      hash.update(block.subarray(0, length))
    }
  } finally {
    closeSync(fd)
  }
  return hash.digest('hex')
}
