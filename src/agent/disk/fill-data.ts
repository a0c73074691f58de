import { mkdirSync, readdirSync } from 'node:fs'
import { runProgram } from '../../programs/run-program.ts'
import { InsideRoot } from '../inside-root.ts'
import type { Filesystems, OtherFilesystem } from './filesystems.ts'
import { Mounts } from './mounts.ts'

type DataFilesystem = Extract<OtherFilesystem, { role: 'data' }>

const copyTimeoutMs = 600_000

/**
 * A data filesystem that was made for this deployment, and a subvolume with nothing in it yet, begin with what the version
 * has in their place, because that cannot be seen any more once they are mounted. What is kept is not touched. The root
 * is mounted at `rootDirectory`. Gives the mount points that were filled.
 */
export async function fillData(rootDirectory: string, { others }: Filesystems, signal: AbortSignal): Promise<string[]> {
  const filled: string[] = []
  for (const other of others) {
    if (other.role !== 'data' || (other.content === 'kept' && other.subvolume === undefined)) continue
    if (await fill(other, new InsideRoot(rootDirectory), signal)) filled.push(other.mount)
  }
  return filled
}

/** As the deployed system will, at its place or elsewhere. */
export async function mountOther(
  { device, type, subvolume }: DataFilesystem,
  directory: string,
  mounts: Mounts,
  signal: AbortSignal,
): Promise<void> {
  const options = subvolume === undefined ? [] : ['-o', `subvol=${subvolume}`]
  await mounts.mount(device, directory, ['-t', type, ...options], signal)
}

async function fill(other: DataFilesystem, image: InsideRoot, signal: AbortSignal): Promise<boolean> {
  if (!image.stat(other.mount)?.isDirectory()) return false
  const directory = `${image.directory}.data`
  mkdirSync(directory, { recursive: true })
  await using mounts = new Mounts()
  await mountOther(other, directory, mounts, signal)
  const isEmpty = readdirSync(directory).every((name) => name === 'lost+found')
  if (isEmpty) {
    const source = `${image.makeDirectory(other.mount)}/.`
    await runProgram('cp', ['--archive', '--reflink=auto', source, directory], { timeoutMs: copyTimeoutMs, signal })
  }
  await mounts.unmountAll()
  return isEmpty
}
