import { runProgram } from '../../programs/run-program.ts'
import { readProgramLines } from './program-lines.ts'
import type { VolumeDriver } from './volume-driver.ts'

const mebibyte = 2 ** 20
const timeoutMs = 600_000

/** Made for 4096-byte sectors; with two allocation groups, because a filesystem that grows gets more of the same size. */
export const xfsVolume: VolumeDriver = {
  mountOptions: 'nouuid,logbsize=256k',
  mtimeRange: [-(2 ** 31), 16_299_260_424],
  sizeFor: ({ entries, contentBytes }) => {
    const bytes = (contentBytes + entries * 512 + 64 * mebibyte) * 1.2 + 128 * mebibyte
    return Math.ceil(Math.max(bytes, 512 * mebibyte) / mebibyte) * mebibyte
  },
  make: async (file) => {
    const args = ['-q', '-f', '-K', '-b', 'size=4096', '-s', 'size=4096', '-d', 'agcount=2', '-i', 'nrext64=0', file]
    await runProgram('mkfs.xfs', args, { timeoutMs })
  },
  grow: {
    mounted: async (directory) => {
      await runProgram('xfs_growfs', [directory], { timeoutMs })
    },
  },
  settle: async () => {},
  check: async (file) => {
    await runProgram('xfs_repair', ['-n', '-f', file], { timeoutMs })
    const said = await runProgram('xfs_db', ['-r', '-f', '-c', 'frag -f', file], { timeoutMs })
    const [, actual = 0, ideal = 0] = /actual (\d+), ideal (\d+)/.exec(said) ?? []
    return { files: Number(ideal), fragmented: Number(actual) - Number(ideal) }
  },
  markUse: async (file, use) => {
    const superblock = await runProgram('xfs_db', ['-r', '-f', '-c', 'sb 0', '-c', 'print agblocks', file], {
      timeoutMs,
    })
    const groupBlocks = Number(/agblocks = (\d+)/.exec(superblock)?.[1])
    if (!Number.isInteger(groupBlocks)) throw new TypeError(`xfs_db said no agblocks, but ${superblock.trim()}`)
    for await (const line of readProgramLines('xfs_db', ['-r', '-f', '-c', 'freesp -d', file], timeoutMs)) {
      const [, group, start, count] = /^ *(\d+) +(\d+) +(\d+)$/.exec(line) ?? []
      if (group !== undefined) use.markFree(Number(group) * groupBlocks + Number(start), Number(count))
      // Then comes the histogram, whose lines are longer.
    }
  },
}
