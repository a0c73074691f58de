import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Static, Type } from 'typebox'
import { writeFileDurably } from '../../image/durable-file.ts'
import { forgetVersion, namesIn, readRecord, removeFromPool } from './kept-versions.ts'
import { poolPaths, recordName, systemPath, versionSubvolume } from './pool-places.ts'
import { snapshotSubvolume } from './subvolume.ts'

const SystemRecord = Type.Object({
  image: Type.String(),
  version: Type.String(),
  /** For the menu: PRETTY_NAME of its os-release. */
  title: Type.String(),
  /** Behind `root=`, in order. */
  kernelArguments: Type.Array(Type.String()),
  /** Milliseconds since the epoch. */
  deployedAt: Type.Integer(),
})
export type SystemRecord = Static<typeof SystemRecord>

/** A writable snapshot of a version that can be booted; its id is that of the deployment that made it. */
export type System = { id: string } & SystemRecord

/** The systems of a pool, newest first. One without a record was never finished and is none. */
export async function readSystems(pool: string): Promise<System[]> {
  const systems: System[] = []
  for (const id of await namesIn(join(pool, poolPaths.systems))) {
    const record = await readRecord(SystemRecord, join(pool, poolPaths.systems, id))
    if (record !== undefined && existsSync(join(pool, systemPath(id)))) systems.push({ id, ...record })
  }
  return systems.sort((a, b) => b.deployedAt - a.deployedAt)
}

/**
 * Makes the root of a new system of a version that the pool has; those that an interrupted deployment left unfinished go.
 * Gives its path from the top of the filesystem, as `subvol=` names it.
 */
export async function makeSystem(pool: string, id: string, version: string): Promise<string> {
  const finished = new Set((await readSystems(pool)).map((system) => system.id))
  for (const name of await namesIn(join(pool, poolPaths.systems))) {
    if (name === id || !finished.has(name)) await removeSystem(pool, name)
  }
  await mkdir(join(pool, poolPaths.systems, id), { recursive: true, mode: 0o700 })
  await snapshotSubvolume(versionSubvolume(pool, version), join(pool, systemPath(id)))
  return systemPath(id)
}

/** From here on it is a system like the others, which the menu offers. */
export async function finishSystem(pool: string, { id, ...record }: System): Promise<void> {
  await writeFileDurably(join(pool, poolPaths.systems, id, recordName), `${JSON.stringify(record)}\n`)
}

/** The systems that stay when `bootedId` is to be booted: that one, and of the newest other versions one each. */
export function chooseSystems(systems: readonly System[], bootedId: string, keepVersions: number): System[] {
  const staying = new Map<string, System>()
  for (const system of systems.toSorted((a, b) => Number(b.id === bootedId) - Number(a.id === bootedId))) {
    if (!staying.has(system.version) && staying.size < keepVersions) staying.set(system.version, system)
  }
  return systems.filter((system) => staying.get(system.version) === system)
}

/** Removes the systems that do not stay, and the versions that none of the others was made from. */
export async function removeOthers(pool: string, staying: readonly System[]): Promise<string[]> {
  const ids = new Set(staying.map(({ id }) => id))
  const versions = new Set(staying.map(({ version }) => version))
  for (const name of await namesIn(join(pool, poolPaths.systems))) if (!ids.has(name)) await removeSystem(pool, name)
  const removed = (await namesIn(join(pool, poolPaths.versions))).filter((version) => !versions.has(version))
  for (const version of removed) await forgetVersion(pool, version)
  return removed
}

async function removeSystem(pool: string, id: string): Promise<void> {
  await removeFromPool(pool, join(pool, poolPaths.systems, id))
}
