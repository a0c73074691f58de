import { mkdir, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { runProgram } from '../../programs/run-program.ts'

/** What a running system has of its own in these is none of the tree's; /tmp has apt's configuration of the build. */
const keptPlaces = new Set(['dev', 'proc', 'sys', 'run', 'tmp', 'lost+found'])
const options = { timeoutMs: 15 * 60_000 }
/** For what the machine writes; the file is sparse. */
const freeBytes = 8 * 1024 ** 3

/**
 * The tree without what is mounted in it, while `use` runs: mmdebstrap has /proc and others there. For root, in a mount
 * namespace that ends with us.
 */
export async function withoutMounts<Result>(
  root: string,
  work: string,
  use: (tree: string) => Promise<Result>,
): Promise<Result> {
  const tree = join(work, 'first-boot-tree')
  await mkdir(tree, { recursive: true })
  await runProgram('mount', ['--bind', root, tree])
  try {
    return await use(tree)
  } finally {
    await runProgram('umount', [tree])
  }
}

/** Makes a disk that is one ext4 of the tree's files, with owners, links, times and attributes as they are. */
export async function writeTreeDisk(tree: string, diskPath: string, work: string): Promise<void> {
  const bytes = Number((await runProgram('du', ['-sx', '--block-size=1', tree], options)).split('\t')[0])
  {
    await using disk = await open(diskPath, 'w', 0o600)
    await disk.truncate(Math.ceil((bytes * 1.5 + freeBytes) / 2 ** 20) * 2 ** 20)
  }
  await runProgram('mke2fs', ['-q', '-t', 'ext4', '-m', '0', '-E', 'lazy_itable_init=1', diskPath])
  await whileMounted(diskPath, work, async (mounted) => {
    for (const place of keptPlaces) await mkdir(join(mounted, place), { recursive: true })
    await copy(tree, mounted)
  })
}

/** Makes the tree what the disk has. */
export async function readTreeDisk(diskPath: string, tree: string, work: string): Promise<void> {
  await whileMounted(diskPath, work, async (mounted) => {
    await runProgram('rm', ['-rf', '--one-file-system', '--', ...(await places(tree))], options)
    await copy(mounted, tree)
  })
}

async function copy(from: string, to: string): Promise<void> {
  await runProgram('cp', ['-a', '--one-file-system', '--', ...(await places(from)), to], options)
}

async function whileMounted(diskPath: string, work: string, use: (mounted: string) => Promise<void>): Promise<void> {
  const mounted = join(work, 'first-boot-disk')
  await mkdir(mounted, { recursive: true })
  await runProgram('mount', ['-o', 'loop', diskPath, mounted])
  try {
    await use(mounted)
  } finally {
    await runProgram('umount', [mounted], options)
  }
}

async function places(root: string): Promise<string[]> {
  return (await readdir(root)).filter((name) => !keptPlaces.has(name)).map((name) => join(root, name))
}
