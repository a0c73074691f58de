import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Static, Type } from 'typebox'
import { Check } from 'typebox/value'
import { writeSyncedFile } from '../../image/durable-file.ts'
import { isId } from '../../image/repository-layout.ts'
import { poolPaths, recordName, versionSubvolume } from './pool-places.ts'
import { removeWithSubvolumes, showSubvolume, syncPool } from './subvolume.ts'

const VersionRecord = Type.Object({
  /** As `btrfs subvolume show` says it: what a stream against this version must find. */
  receivedUuid: Type.String(),
  /** Milliseconds since the epoch. */
  receivedAt: Type.Integer(),
})

/** A version of which the pool has the subvolume, as it was received for all that can be seen from outside. */
export type KeptVersion = { version: string } & Static<typeof VersionRecord>
/** One that somebody made writable, or whose record is damaged: nothing may be built upon it. */
export type ChangedVersion = { version: string; reason: string }
export type KeptVersions = { intact: KeptVersion[]; changed: ChangedVersion[] }

/** The versions a pool has, newest first. Nothing is read of their files: that is done when they are used. */
export async function readKeptVersions(pool: string): Promise<KeptVersions> {
  const kept: KeptVersions = { intact: [], changed: [] }
  for (const version of (await namesIn(join(pool, poolPaths.versions))).filter(isId)) {
    const found = await readKeptVersion(pool, version)
    if ('reason' in found) kept.changed.push(found)
    else kept.intact.push(found)
  }
  kept.intact.sort((a, b) => b.receivedAt - a.receivedAt)
  return kept
}

async function readKeptVersion(pool: string, version: string): Promise<KeptVersion | ChangedVersion> {
  const path = versionSubvolume(pool, version)
  const [record, subvolume] = [await readRecord(VersionRecord, join(path, '..')), await showSubvolume(path)]
  if (record === undefined) return { version, reason: 'its record cannot be read' }
  if (subvolume === undefined) return { version, reason: 'its subvolume is gone' }
  if (!subvolume.isReadOnly) return { version, reason: 'its subvolume was made writable' }
  if (subvolume.receivedUuid === record.receivedUuid) return { version, ...record }
  return { version, reason: 'its subvolume is not the one that was received' }
}

/** `directory` is a directory of work/ in which VERSION was received whole; it becomes the version's own. */
export async function keepVersion(pool: string, version: string, directory: string): Promise<void> {
  const receivedUuid = (await showSubvolume(join(directory, version)))?.receivedUuid
  if (receivedUuid === undefined) throw new Error(`Cannot keep ${directory}/${version}: no stream was received there`)
  const record = { receivedUuid, receivedAt: Date.now() } satisfies Static<typeof VersionRecord>
  await writeSyncedFile(join(directory, recordName), `${JSON.stringify(record)}\n`)
  await syncPool(pool)
  await mkdir(join(pool, poolPaths.versions), { recursive: true })
  await forgetVersion(pool, version)
  await rename(directory, join(pool, poolPaths.versions, version))
  await syncPool(pool)
}

/** Removes a version, if it is there. What was made from it stays. */
export async function forgetVersion(pool: string, version: string): Promise<void> {
  await removeFromPool(pool, join(pool, poolPaths.versions, version))
}

/** Removes a directory of versions/ or systems/: first out of the way, so that no half of it is ever taken for whole. */
export async function removeFromPool(pool: string, directory: string): Promise<void> {
  const aside = await makeWorkDirectory(pool, 'removed')
  await rm(aside, { recursive: true })
  try {
    await rename(directory, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  await removeWithSubvolumes(pool, aside)
}

/** A new directory in work/. */
export async function makeWorkDirectory(pool: string, name: string): Promise<string> {
  const directory = join(pool, poolPaths.work, `${name}.${process.pid}.${Date.now()}`)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  return directory
}

/** What an earlier deployment left when it was cut off: a half subvolume, or one that was about to be deleted. */
export async function clearWork(pool: string): Promise<number> {
  const work = join(pool, poolPaths.work)
  const left = await namesIn(work)
  for (const name of left) await removeWithSubvolumes(pool, join(work, name))
  return left.length
}

/** Undefined where there is none, or one of another shape. */
export async function readRecord<Schema extends ReturnType<typeof Type.Object>>(
  schema: Schema,
  directory: string,
): Promise<Static<Schema> | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(join(directory, recordName), 'utf8'))
    return Check(schema, value) ? value : undefined
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

export async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
