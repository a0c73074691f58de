import { randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { onStorage } from './storage-fault.ts'

/** Puts a whole file in place at once: written aside, synced, renamed, and the rename synced. Throws StorageFull, StorageBroken. */
export async function writeFileDurably(file: string, bytes: string | Uint8Array, mode = 0o644): Promise<void> {
  const aside = path.join(path.dirname(file), `.${path.basename(file)}.${randomBytes(6).toString('hex')}`)
  try {
    await writeSyncedFile(aside, bytes, mode)
    await onStorage(file, () => rename(aside, file))
  } catch (error) {
    await rm(aside, { force: true })
    throw error
  }
  await syncDirectory(path.dirname(file))
}

/** A new file whose bytes are on the disk when this returns; its name may not be yet. Throws StorageFull, StorageBroken. */
export async function writeSyncedFile(file: string, bytes: string | Uint8Array, mode = 0o644): Promise<void> {
  await onStorage(file, async () => {
    await using handle = await open(file, 'wx', mode)
    await handle.writeFile(bytes)
    await handle.sync()
  })
}

/** Makes renames and new files in a directory survive a power cut. */
export async function syncDirectory(directory: string): Promise<void> {
  await using handle: FileHandle = await open(directory, 'r')
  await handle.sync()
}

export async function makeDirectoryDurably(directory: string): Promise<void> {
  const first = await onStorage(directory, () => mkdir(directory, { recursive: true }))
  if (first !== undefined) await syncDirectory(path.dirname(first))
}
