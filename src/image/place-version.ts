import type { KeyObject } from 'node:crypto'
import { mkdir, readFile, rename } from 'node:fs/promises'
import path from 'node:path'
import { DecodeError } from '../bytes/decode-error.ts'
import { makeDirectoryDurably, syncDirectory, writeFileDurably, writeSyncedFile } from './durable-file.ts'
import type { ImportSession } from './import-session.ts'
import { decompressManifest, ManifestInvalid } from './manifest-open.ts'
import { listVersions, moveTag, type Repository, readTags, type Version } from './repository.ts'
import { originFile, versionDirectory, versionFile } from './repository-layout.ts'
import {
  decodeSignatures,
  decodeStatement,
  encodeSignatures,
  isSignedBy,
  type SignedStatement,
  type Statement,
} from './statement.ts'
import type { Tree } from './tree.ts'

/** A version that is complete but for its place; `signed` is the statement under this site's key. */
export type FinishedVersion = {
  tree: Tree
  statement: Statement
  signed: SignedStatement
  signedBy: KeyObject
  /** `manifest` compressed. */
  files: { manifest: Buffer; locations: string }
  /** What another site said and signed of it (encodeSignatures()): kept beside it, for who trusts that site. */
  origin?: string | undefined
  /** Whether the image's tag `current` moves to it. */
  isCurrent: boolean
}

/** Puts a version whose chunks the session holds into the repository, as one step for everybody else. */
export async function placeVersion(session: ImportSession, finished: FinishedVersion): Promise<Version> {
  const { repository } = session
  const { image, version: id } = finished.statement
  const aside = await writeAside(session, finished)
  await session.publish(finished.tree.chunks, async () => {
    if (!(await putInPlace(repository, aside, id))) await mendVersion(repository, finished)
    if (finished.isCurrent) await makeCurrent(repository, image, id)
  })
  return (await listVersions(repository, image)).find((version) => version.id === id)!
}

/** All that needs room on the disk, before anything can be seen. */
async function writeAside(session: ImportSession, finished: FinishedVersion): Promise<string> {
  const { statement, signed, files, origin } = finished
  const aside = path.join(session.directory, statement.version)
  await mkdir(aside)
  const all = { ...files, signatures: encodeSignatures([signed]), ...(origin !== undefined && { origin }) }
  for (const [name, bytes] of Object.entries(all)) await writeSyncedFile(path.join(aside, name), bytes)
  await syncDirectory(aside)
  return aside
}

/** False where the version is there already: what another import of the same tree put there is the same. */
async function putInPlace(repository: Repository, aside: string, id: string): Promise<boolean> {
  const target = versionDirectory(repository.directory, id)
  try {
    await rename(aside, target)
  } catch (error) {
    if (['EEXIST', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '')) return false
    throw error
  }
  await syncDirectory(path.dirname(target))
  return true
}

/**
 * The version is there already: of another image, of this one (then its first statement stays), or under an old key. What
 * is damaged or outdated of it is written again, so that importing the same source again repairs.
 */
async function mendVersion(repository: Repository, finished: FinishedVersion): Promise<void> {
  const { statement, signed, signedBy, files } = finished
  const id = statement.version
  const file = (name: 'manifest' | 'signatures' | 'locations') => versionFile(repository.directory, id, name)
  if (!(await isManifestWhole(file('manifest'), id))) await writeFileDurably(file('manifest'), files.manifest)
  const signatures = await readUsableSignatures(file('signatures'))
  const ofThisImage = signatures.find((other) => decodeStatement(other.statement).image === statement.image)
  if (!ofThisImage || !isSignedBy(ofThisImage, signedBy)) {
    const others = signatures.filter((other) => other !== ofThisImage)
    await writeFileDurably(file('signatures'), encodeSignatures([...others, signed]))
  }
  if (finished.origin !== undefined) await writeFileDurably(originFile(repository.directory, id), finished.origin)
  const locations = await readIfThere(file('locations'))
  if (locations?.toString() !== files.locations) await writeFileDurably(file('locations'), files.locations)
}

async function isManifestWhole(file: string, id: string): Promise<boolean> {
  const bytes = await readIfThere(file)
  try {
    return bytes !== undefined && decompressManifest(bytes, id) !== undefined
  } catch (error) {
    if (error instanceof DecodeError || error instanceof ManifestInvalid) return false
    throw error
  }
}

/** Statements that can be read; those of other images stay, whoever signed them. */
async function readUsableSignatures(file: string): Promise<SignedStatement[]> {
  try {
    const signatures = decodeSignatures((await readIfThere(file)) ?? Buffer.alloc(0))
    for (const { statement } of signatures) decodeStatement(statement)
    return signatures
  } catch (error) {
    if (error instanceof DecodeError) return []
    throw error
  }
}

async function readIfThere(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** `previous` first: whatever happens in between, `current` names a version that is whole. */
async function makeCurrent(repository: Repository, image: string, id: string): Promise<void> {
  const current = (await readTags(repository, image)).get('current')
  if (current === id) return
  await makeDirectoryDurably(path.join(repository.directory, 'tags', image))
  if (current !== undefined) await moveTag(repository, image, 'previous', current)
  await moveTag(repository, image, 'current', id)
}
