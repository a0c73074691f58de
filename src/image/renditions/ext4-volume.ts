import { runProgram } from '../../programs/run-program.ts'
import { readProgramLines } from './program-lines.ts'
import type { VolumeContent, VolumeDriver } from './volume-driver.ts'

const mebibyte = 2 ** 20
const timeoutMs = 600_000
const inodeBytes = 256

/** Made for 4096-byte sectors, and with a checksum seed of its own, so that a fresh UUID changes one block and not all. */
export const ext4Volume: VolumeDriver = {
  // A truncated file must not be flushed when it is closed, and freed blocks not be given out again while files are
  // written: both would scatter new files over the holes of old ones. No barrier: the file is a cache until it is whole.
  mountOptions: 'noauto_da_alloc,nobarrier,commit=600',
  mtimeRange: [-(2 ** 31), 2 ** 34 - 2 ** 31 - 1],
  sizeFor: (content) => {
    const bytes = (content.contentBytes + inodesFor(content) * inodeBytes + 64 * mebibyte) * 1.2 + 64 * mebibyte
    return roundUp(Math.max(bytes, 128 * mebibyte))
  },
  make: async (file, content) => {
    const bytesPerInode = Math.max(4096, Math.min(16384, Math.floor(ext4Volume.sizeFor(content) / inodesFor(content))))
    const features = 'metadata_csum,metadata_csum_seed,64bit,^orphan_file'
    const extended = 'lazy_itable_init=0,lazy_journal_init=0,nodiscard'
    const args = ['-q', '-F', '-b', '4096', '-I', `${inodeBytes}`, '-i', `${bytesPerInode}`, '-O', features]
    await runProgram('mkfs.ext4', [...args, '-E', extended, file], { timeoutMs })
  },
  grow: {
    unmounted: async (file) => {
      await runProgram('resize2fs', ['-f', file], { timeoutMs })
    },
  },
  settle: async (file) => {
    await runProgram('tune2fs', ['-M', '/', '-C', '0', file], { timeoutMs })
  },
  check: async (file) => {
    const said = await runProgram('e2fsck', ['-f', '-n', file], { timeoutMs })
    const [, files, percent] = /: (\d+)\/\d+ files \(([\d.]+)% non-contiguous\)/.exec(said) ?? []
    return { files: Number(files ?? 0), fragmented: (Number(files ?? 0) * Number(percent ?? 0)) / 100 }
  },
  markUse: async (file, use) => {
    // dumpe2fs knows groups whose bitmap was never written, and checks the sums of the others.
    for await (const line of readProgramLines('dumpe2fs', [file], timeoutMs)) {
      const ranges = /^ {2}Free blocks: (.+)$/.exec(line)?.[1]
      for (const range of ranges?.split(', ') ?? []) {
        const [first, last = first] = range.split('-').map(Number)
        use.markFree(first!, last! - first! + 1)
      }
    }
    await markJournal(file, (start, count) => use.markZero(start, count))
  },
}

/** The journal is empty after an unmount: all of it but its first block is what was done while the volume was made. */
async function markJournal(file: string, markZero: (start: number, count: number) => void): Promise<void> {
  const said = await runProgram('debugfs', ['-R', 'dump_extents -l <8>', file], { timeoutMs })
  for (const [, logical, , first, last] of said.matchAll(
    /^ *\d+\/ *\d+ +\d+\/ *\d+ +(\d+) - +(\d+) +(\d+) - +(\d+)/gm,
  )) {
    const skipped = logical === '0' ? 1 : 0
    markZero(Number(first) + skipped, Number(last) - Number(first) + 1 - skipped)
  }
}

function inodesFor({ entries }: VolumeContent): number {
  return Math.ceil(entries * 1.25) + 1000
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / mebibyte) * mebibyte
}
