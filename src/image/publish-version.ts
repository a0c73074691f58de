import type { KeyObject } from 'node:crypto'
import { mkdir, readFile, rename } from 'node:fs/promises'
import path from 'node:path'
import { DecodeError } from '../bytes/decode-error.ts'
import { makeDirectoryDurably, syncDirectory, writeFileDurably, writeSyncedFile } from './durable-file.ts'
import type { ImportSession } from './import-session.ts'
import { encodeLocations } from './locations.ts'
import { encodeManifest } from './manifest-encode.ts'
import { compressManifest, decompressManifest, ManifestInvalid, versionIdOf } from './manifest-open.ts'
import { listVersions, moveTag, type Repository, readTags, type Version } from './repository.ts'
import { versionDirectory, versionFile } from './repository-layout.ts'
import {
  decodeSignatures,
  decodeStatement,
  encodeSignatures,
  isSignedBy,
  type SignedStatement,
  type Statement,
  signStatement,
  type VersionSource,
} from './statement.ts'
import type { Tree } from './tree.ts'

export type VersionDescription = {
  image: string
  comment?: string | undefined
  recipeHash?: string | undefined
  source?: VersionSource | undefined
  signingKey: { privateKey: KeyObject; publicKey: KeyObject }
}

type VersionFiles = { manifest: Buffer; signatures: string; locations: string }

/** Makes a tree whose chunks the session holds a version of an image, and the image's `current` one. */
export async function publishVersion(
  session: ImportSession,
  tree: Tree,
  description: VersionDescription,
): Promise<Version> {
  const { repository } = session
  const { image, signingKey } = description
  const manifest = encodeManifest(tree)
  const id = versionIdOf(manifest)
  await session.seal()
  const locations = encodeLocations(id, tree.chunks, session.index)
  const parent = (await readTags(repository, image)).get('current')
  const statement: Statement = {
    format: 'bootwright-image-1',
    image,
    version: id,
    createdAt: Date.now(),
    ...(parent !== undefined && parent !== id && { parent }),
    ...(description.comment !== undefined && { comment: description.comment }),
    ...(description.recipeHash !== undefined && { recipeHash: description.recipeHash }),
    ...(description.source !== undefined && { source: description.source }),
    entries: tree.entries.length,
    sizeBytes: tree.sizeBytes,
    storedBytes: locations.storedBytes,
  }
  const files = {
    manifest: compressManifest(manifest),
    signatures: encodeSignatures([signStatement(statement, signingKey.privateKey)]),
    locations: locations.text,
  }
  const aside = await writeAside(session, id, files)
  await session.publish(tree.chunks, async () => {
    if (!(await putInPlace(repository, aside, id))) await mendVersion(repository, id, files, statement, signingKey)
    await makeCurrent(repository, image, id)
  })
  return (await listVersions(repository, image)).find((version) => version.id === id)!
}

/** All that needs room on the disk, before anything can be seen. */
async function writeAside(session: ImportSession, id: string, files: VersionFiles): Promise<string> {
  const aside = path.join(session.directory, id)
  await mkdir(aside)
  for (const [name, bytes] of Object.entries(files)) await writeSyncedFile(path.join(aside, name), bytes)
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
async function mendVersion(
  repository: Repository,
  id: string,
  files: VersionFiles,
  statement: Statement,
  signingKey: VersionDescription['signingKey'],
): Promise<void> {
  const file = (name: keyof VersionFiles) => versionFile(repository.directory, id, name)
  if (!(await isManifestWhole(file('manifest'), id))) await writeFileDurably(file('manifest'), files.manifest)
  const signatures = await readUsableSignatures(file('signatures'))
  const ofThisImage = signatures.find((signed) => decodeStatement(signed.statement).image === statement.image)
  if (!ofThisImage || !isSignedBy(ofThisImage, signingKey.publicKey)) {
    const others = signatures.filter((signed) => signed !== ofThisImage)
    const all = [...others, signStatement(statement, signingKey.privateKey)]
    await writeFileDurably(file('signatures'), encodeSignatures(all))
  }
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
