import { runProgram } from '../../programs/run-program.ts'
import { blockBytes } from './block-map.ts'
import type { BlockUse } from './block-use.ts'
import { readProgramLines } from './program-lines.ts'
import type { VolumeDriver } from './volume-driver.ts'

const mebibyte = 2 ** 20
const timeoutMs = 600_000
const nodeBytes = 16384
/** BTRFS_SUPER_INFO_OFFSET and its mirrors, and the first MiB, which boot loaders may use. */
const superblocks = [64 * 1024, 64 * mebibyte, 256 * 2 ** 30]
const superblockBytes = 4096

export const btrfsVolume: VolumeDriver = {
  mountOptions: 'nodiscard',
  mtimeRange: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  sizeFor: ({ entries, contentBytes }) => {
    const bytes = contentBytes * 1.25 + entries * 4096 + 512 * mebibyte
    return Math.ceil(bytes / mebibyte) * mebibyte
  },
  make: async (file) => {
    await runProgram('mkfs.btrfs', ['-q', '-f', '-K', '-s', '4096', '-n', `${nodeBytes}`, '-m', 'dup', file], {
      timeoutMs,
    })
  },
  grow: {
    mounted: async (directory) => {
      await runProgram('btrfs', ['filesystem', 'resize', 'max', directory], { timeoutMs })
    },
  },
  settle: async () => {},
  check: async (file) => {
    await runProgram('btrfs', ['check', '--readonly', file], { timeoutMs })
    return { files: 0, fragmented: 0 } // it copies on write: only how densely blocks lie says something
  },
  markUse: async (file, use) => {
    const chunks = await readChunks(file)
    use.markFree(0, use.blockCount)
    use.markUsed(0, mebibyte / blockBytes)
    for (const offset of superblocks) markBytes(use, offset, superblockBytes)
    for await (const { start, length } of readExtents(file)) {
      const chunk = chunks.find(
        (candidate) => start >= candidate.logical && start < candidate.logical + candidate.length,
      )
      if (!chunk) throw new TypeError(`btrfs has an extent at ${start}, which is in no chunk`)
      for (const stripe of chunk.stripes) markBytes(use, stripe + start - chunk.logical, length)
    }
  },
}

/** A stretch of btrfs's logical addresses, and where on the device its copies lie. */
type Chunk = { logical: number; length: number; stripes: number[] }

async function readChunks(file: string): Promise<Chunk[]> {
  const chunks: Chunk[] = []
  for await (const line of dumpTree(file, 'chunk')) {
    const logical = /key \(FIRST_CHUNK_TREE CHUNK_ITEM (\d+)\)/.exec(line)?.[1]
    if (logical !== undefined) chunks.push({ logical: Number(logical), length: 0, stripes: [] })
    const [, length, type] = /^\s+length (\d+) owner \d+ stripe_len \d+ type (\S+)/.exec(line) ?? []
    if (length !== undefined) {
      if (/RAID/.test(type!)) throw new TypeError(`a btrfs with ${type} has no single order of blocks`)
      chunks.at(-1)!.length = Number(length)
    }
    const stripe = /^\s+stripe \d+ devid 1 offset (\d+)/.exec(line)?.[1]
    if (stripe !== undefined) chunks.at(-1)!.stripes.push(Number(stripe))
  }
  return chunks
}

async function* readExtents(file: string): AsyncGenerator<{ start: number; length: number }> {
  for await (const line of dumpTree(file, 'extent')) {
    const [, start, kind, offset] = /key \((\d+) (EXTENT_ITEM|METADATA_ITEM) (\d+)\)/.exec(line) ?? []
    if (start === undefined) continue
    // The offset of a METADATA_ITEM's key is a tree block's level, not its length.
    yield { start: Number(start), length: kind === 'METADATA_ITEM' ? nodeBytes : Number(offset) }
  }
}

function dumpTree(file: string, tree: string): AsyncGenerator<string> {
  return readProgramLines('btrfs', ['inspect-internal', 'dump-tree', '-t', tree, file], timeoutMs)
}

function markBytes(use: BlockUse, offset: number, length: number): void {
  use.markUsed(offset / blockBytes, length / blockBytes)
}
