import { readdir, rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { ProgramFailed, runProgram } from '../../programs/run-program.ts'

export type Subvolume = {
  /** Changes with the filesystem the subvolume is on. */
  id: string
  uuid: string
  /** What the stream called it; undefined for one that was not received, or that was made writable since. */
  receivedUuid: string | undefined
  isReadOnly: boolean
}

/** Deleting one of a whole system with its snapshots is quick, the space is freed later. */
const timeoutMs = 120_000
/** All that was written since the last commit goes to the disk. */
const syncTimeoutMs = 600_000

/** Undefined when there is nothing, or no subvolume, at the path. Throws ProgramFailed. */
export async function showSubvolume(path: string): Promise<Subvolume | undefined> {
  try {
    return parseSubvolume(await runProgram('btrfs', ['subvolume', 'show', path], { timeoutMs }))
  } catch (error) {
    if (error instanceof ProgramFailed && /Not a Btrfs subvolume|No such file|not a subvolume/i.test(error.stderr)) {
      return undefined
    }
    throw error
  }
}

/** What `btrfs subvolume show` prints: the path, then fields. The path is given by us, but may be anything. */
export function parseSubvolume(text: string): Subvolume | undefined {
  const field = (name: string) => new RegExp(`^\\t${name}:\\s*(\\S+)`, 'm').exec(text)?.[1]
  const [id, uuid] = [field('Subvolume ID'), field('UUID')]
  if (id === undefined || uuid === undefined) return undefined
  const received = field('Received UUID')
  const isReadOnly = field('Flags')?.includes('readonly') ?? false
  return { id, uuid, receivedUuid: received === '-' ? undefined : received, isReadOnly }
}

export async function createSubvolume(path: string): Promise<void> {
  await runProgram('btrfs', ['subvolume', 'create', path], { timeoutMs })
}

/** A writable one. */
export async function snapshotSubvolume(source: string, path: string): Promise<void> {
  await runProgram('btrfs', ['subvolume', 'snapshot', source, path], { timeoutMs })
}

/** Everything that was written so far is on the disk when it returns. */
export async function syncPool(pool: string): Promise<void> {
  await runProgram('btrfs', ['filesystem', 'sync', pool], { timeoutMs: syncTimeoutMs })
}

/** Removes a directory of the pool, the subvolumes that lie in it, and those that were made inside of them. */
export async function removeWithSubvolumes(pool: string, directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name)
    if ((await showSubvolume(path)) !== undefined) await deleteSubvolume(pool, path)
  }
  await rm(directory, { recursive: true, force: true })
}

/**
 * systemd makes subvolumes in a running system (/var/lib/machines), and any user may: btrfs deletes none that has others
 * in it. Their names may be made up to look like lines of the list, so each is asked for by number where it lies.
 */
async function deleteSubvolume(pool: string, path: string): Promise<void> {
  const list = await runProgram('btrfs', ['subvolume', 'list', '-o', path], { timeoutMs })
  for (const [, id] of list.matchAll(/^ID (\d+) gen /gm)) {
    const below = await pathOfSubvolume(pool, id!)
    if (below?.startsWith(`${relative(pool, path)}/`)) await deleteSubvolume(pool, join(pool, below))
  }
  await runProgram('btrfs', ['subvolume', 'delete', path], { timeoutMs })
}

async function pathOfSubvolume(pool: string, id: string): Promise<string | undefined> {
  try {
    const path = await runProgram('btrfs', ['inspect-internal', 'subvolid-resolve', id, pool], { timeoutMs })
    return path.replace(/\n$/, '')
  } catch (error) {
    if (error instanceof ProgramFailed) return undefined // deleted with the one it was in
    throw error
  }
}
