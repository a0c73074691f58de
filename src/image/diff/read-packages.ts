import { open } from 'node:fs/promises'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { DecodeError } from '../../bytes/decode-error.ts'
import type { TreeContents } from '../renditions/tree-contents.ts'
import { chunkBytes, type FileEntry } from '../tree.ts'
import { parseDpkgStatus } from './dpkg-status.ts'
import type { InstalledPackage } from './installed-package.ts'
import { decodeRpmHeader } from './rpm-header.ts'

/** `unread`: package databases that are there and cannot be read, in words. */
export type PackageList = { packages: InstalledPackage[]; unread: { path: string; reason: string }[] }

const dpkgStatus = 'var/lib/dpkg/status'
const dpkgStatusDirectory = 'var/lib/dpkg/status.d/'
const rpmDirectories = ['usr/lib/sysimage/rpm', 'var/lib/rpm']
const rpmOldForms = { Packages: 'Berkeley DB, which rpm used before 4.16', 'Packages.db': "rpm's ndb format" }
const maxStatusBytes = 256 * 1024 * 1024

/**
 * The packages that the databases inside a tree call installed: of dpkg, and of rpm in its present form (SQLite), which
 * is copied to `directory` to be read. Throws ChunkMissing, StoredChunkInvalid.
 */
export async function readPackages(contents: TreeContents, directory: string): Promise<PackageList> {
  const files = new Map<string, FileEntry>()
  for (const entry of contents.tree.entries) {
    if (entry.type === 'file' && isDatabaseFile(entry.path)) files.set(entry.path, entry)
  }
  const list: PackageList = { packages: [], unread: [] }
  await readDpkg(contents, files, list)
  for (const rpm of rpmDirectories) await readRpm({ contents, files, list, directory }, rpm)
  return list
}

/** The whole text of dpkg's status; undefined where a tree has none. Throws ChunkMissing, StoredChunkInvalid. */
export async function readDpkgStatus(contents: TreeContents): Promise<string | undefined> {
  const entry = contents.tree.entries.find(({ path }) => path === dpkgStatus)
  if (entry?.type !== 'file' || entry.sizeBytes > maxStatusBytes) return undefined
  return (await readWhole(contents, entry)).toString('utf8')
}

function isDatabaseFile(file: string): boolean {
  return file === dpkgStatus || file.startsWith(dpkgStatusDirectory) || rpmDirectories.includes(path.dirname(file))
}

async function readDpkg(contents: TreeContents, files: ReadonlyMap<string, FileEntry>, list: PackageList) {
  for (const [file, entry] of files) {
    const isStanza = file.startsWith(dpkgStatusDirectory) && !file.endsWith('.md5sums')
    if (file !== dpkgStatus && !isStanza) continue
    if (entry.sizeBytes > maxStatusBytes) list.unread.push({ path: file, reason: 'it is larger than 256 MiB' })
    else list.packages.push(...parseDpkgStatus((await readWhole(contents, entry)).toString('utf8')))
  }
}

type RpmReading = { contents: TreeContents; files: Map<string, FileEntry>; list: PackageList; directory: string }

async function readRpm({ contents, files, list, directory }: RpmReading, rpm: string): Promise<void> {
  const database = `${rpm}/rpmdb.sqlite`
  const entry = files.get(database)
  if (!entry) {
    for (const [name, form] of Object.entries(rpmOldForms)) {
      const file = `${rpm}/${name}`
      if (files.has(file)) list.unread.push({ path: file, reason: `it is in ${form}; only rpmdb.sqlite is read` })
    }
    return
  }
  const copy = path.join(directory, `rpm-${list.packages.length}-${process.hrtime.bigint()}.sqlite`)
  await copyOut(contents, entry, copy)
  const log = files.get(`${database}-wal`) // what was committed last and not yet moved into the database
  if (log) await copyOut(contents, log, `${copy}-wal`)
  try {
    list.packages.push(...readRpmDatabase(copy))
  } catch (error) {
    if (!(error instanceof DecodeError) && (error as NodeJS.ErrnoException).code !== 'ERR_SQLITE_ERROR') throw error
    list.unread.push({ path: database, reason: `it is damaged (${(error as Error).message})` })
  }
}

function readRpmDatabase(file: string): InstalledPackage[] {
  using database = new DatabaseSync(file)
  const rows = database.prepare('select blob from Packages').iterate()
  return [...rows].map(({ blob }) => {
    if (!(blob instanceof Uint8Array)) throw new DecodeError('rpm database', 'a package is no blob')
    return decodeRpmHeader(Buffer.from(blob.buffer, blob.byteOffset, blob.length))
  })
}

async function readWhole(contents: TreeContents, entry: FileEntry): Promise<Buffer> {
  if (entry.sizeBytes <= chunkBytes) return Buffer.from(await contents.readSmall(entry))
  const whole = Buffer.alloc(entry.sizeBytes)
  for await (const { offset, bytes } of contents.readBlocks(entry)) whole.set(bytes, offset)
  return whole
}

async function copyOut(contents: TreeContents, entry: FileEntry, file: string): Promise<void> {
  await using handle = await open(file, 'wx', 0o600)
  await handle.truncate(entry.sizeBytes)
  if (entry.sizeBytes <= chunkBytes) {
    await handle.write(await contents.readSmall(entry), 0, entry.sizeBytes, 0)
    return
  }
  for await (const { offset, bytes } of contents.readBlocks(entry)) await handle.write(bytes, 0, bytes.length, offset)
}
