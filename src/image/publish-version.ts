import type { KeyObject } from 'node:crypto'
import { mkdir, rename } from 'node:fs/promises'
import path from 'node:path'
import { makeDirectoryDurably, syncDirectory, writeFileDurably, writeSyncedFile } from './durable-file.ts'
import type { ImportSession } from './import-session.ts'
import { encodeLocations } from './locations.ts'
import { encodeManifest } from './manifest-encode.ts'
import { compressManifest, versionIdOf } from './manifest-open.ts'
import { listVersions, moveTag, type Repository, readSignatures, readTags, type Version } from './repository.ts'
import { versionDirectory, versionFile } from './repository-layout.ts'
import { decodeStatement, encodeSignatures, isSignedBy, type Statement, signStatement } from './statement.ts'
import type { Tree } from './tree.ts'

export type VersionDescription = {
  image: string
  comment?: string | undefined
  recipeHash?: string | undefined
  signingKey: { privateKey: KeyObject; publicKey: KeyObject }
}

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
  await session.publishPacks()
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
    entries: tree.entries.length,
    sizeBytes: tree.sizeBytes,
    storedBytes: locations.storedBytes,
  }
  const files = {
    manifest: compressManifest(manifest),
    signatures: encodeSignatures([signStatement(statement, signingKey.privateKey)]),
    locations: locations.text,
  }
  const placed = await putVersionInPlace(session, id, files)
  if (!placed) await addStatement(repository, id, statement, signingKey)
  await makeCurrent(repository, image, id)
  return (await listVersions(repository, image)).find((version) => version.id === id)!
}

/** False where the version is there already: what another import of the same tree put there is the same. */
async function putVersionInPlace(session: ImportSession, id: string, files: Record<string, string | Buffer>) {
  const aside = path.join(session.directory, id)
  await mkdir(aside)
  for (const [name, bytes] of Object.entries(files)) await writeSyncedFile(path.join(aside, name), bytes)
  await syncDirectory(aside)
  const target = versionDirectory(session.repository.directory, id)
  try {
    await rename(aside, target)
  } catch (error) {
    if (['EEXIST', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '')) return false
    throw error
  }
  await syncDirectory(path.dirname(target))
  return true
}

/** The version is there already: of another image, of this one (then its first statement stays), or under an old key. */
async function addStatement(
  repository: Repository,
  id: string,
  statement: Statement,
  { privateKey, publicKey }: VersionDescription['signingKey'],
): Promise<void> {
  const existing = await readSignatures(repository, id)
  const ofThisImage = existing.find((signed) => decodeStatement(signed.statement).image === statement.image)
  if (ofThisImage && isSignedBy(ofThisImage, publicKey)) return
  const others = existing.filter((signed) => signed !== ofThisImage)
  const signatures = encodeSignatures([...others, signStatement(statement, privateKey)])
  await writeFileDurably(versionFile(repository.directory, id, 'signatures'), signatures)
}

/** `previous` first: whatever happens in between, `current` names a version that is whole. */
async function makeCurrent(repository: Repository, image: string, id: string): Promise<void> {
  const current = (await readTags(repository, image)).get('current')
  if (current === id) return
  await makeDirectoryDurably(path.join(repository.directory, 'tags', image))
  if (current !== undefined) await moveTag(repository, image, 'previous', current)
  await moveTag(repository, image, 'current', id)
}
