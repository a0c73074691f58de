import type { KeyObject } from 'node:crypto'
import type { CleanUpName } from './clean-up/operations.ts'
import type { ImportSession } from './import-session.ts'
import { encodeLocations } from './locations.ts'
import { encodeManifest } from './manifest-encode.ts'
import { compressManifest, versionIdOf } from './manifest-open.ts'
import { placeVersion } from './place-version.ts'
import { readTags, type Version } from './repository.ts'
import { type Statement, signStatement, type VersionSource } from './statement.ts'
import type { Tree } from './tree.ts'

export type VersionDescription = {
  image: string
  comment?: string | undefined
  recipeHash?: string | undefined
  source?: VersionSource | undefined
  /** What was taken out of the source before it became a version. */
  cleanUp?: readonly CleanUpName[] | undefined
  /** Whether the tag `current` moves to it; it does where not given. */
  isCurrent?: boolean | undefined
  signingKey: { privateKey: KeyObject; publicKey: KeyObject }
}

/** Makes a tree whose chunks the session holds a version of an image, and its `current` one where nothing else is said. */
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
    ...(description.cleanUp?.length && { cleanUp: [...description.cleanUp] }),
    entries: tree.entries.length,
    sizeBytes: tree.sizeBytes,
    storedBytes: locations.storedBytes,
  }
  const signed = signStatement(statement, signingKey.privateKey)
  const files = { manifest: compressManifest(manifest), locations: locations.text }
  return placeVersion(session, {
    tree,
    statement,
    signed,
    files,
    signedBy: signingKey.publicKey,
    isCurrent: description.isCurrent ?? true,
  })
}
