import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { DecodeError } from '../bytes/decode-error.ts'
import { makeDirectoryDurably, writeFileDurably } from './durable-file.ts'
import { decodeStoredManifest } from './manifest-open.ts'
import { imageTagsDirectory, isId, isName, tagFile, versionFile } from './repository-layout.ts'
import { decodeSignatures, decodeStatement, type SignedStatement, type Statement } from './statement.ts'
import type { Tree } from './tree.ts'

/**
 * One member of an image. `id` is the SHA-256 of its tree manifest, `createdAt` in milliseconds since the epoch, `tags`
 * the tags of its image that name it.
 */
export type Version = Omit<Statement, 'format' | 'version'> & { id: string; tags: string[] }

/** What is there to see: enough to serve and to list. import-session.ts adds to it, upkeep/ takes from it. */
export type Repository = { readonly directory: string }

/** Opens a repository; makes an empty one where there is none. */
export async function openRepository(directory: string): Promise<Repository> {
  const absolute = path.resolve(directory)
  for (const name of ['packs', 'versions', 'tags', 'staging']) await makeDirectoryDurably(path.join(absolute, name))
  return { directory: absolute }
}

/** Names of the images that have a version, sorted. */
export async function listImages(repository: Repository): Promise<string[]> {
  return [...new Set((await readStatements(repository)).map(({ image }) => image))].sort()
}

/** Versions of one image, or of all, the newest first. */
export async function listVersions(repository: Repository, image?: string): Promise<Version[]> {
  const statements = await readStatements(repository)
  const versions = statements.filter((statement) => image === undefined || statement.image === image)
  const tags = new Map<string, ReadonlyMap<string, string>>()
  for (const name of new Set(versions.map((version) => version.image))) tags.set(name, await readTags(repository, name))
  return versions
    .map(({ format: _, version: id, ...known }) => ({ id, ...known, tags: tagsOf(id, tags.get(known.image)!) }))
    .sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1))
}

/** Tags of an image and the version ids they name. */
export async function readTags(repository: Repository, image: string): Promise<Map<string, string>> {
  const tags = new Map<string, string>()
  const names = await readdirIfThere(imageTagsDirectory(repository.directory, image))
  for (const tag of names.filter(isName).sort()) {
    const id = (await readFile(tagFile(repository.directory, image, tag), 'utf8')).trim()
    if (isId(id)) tags.set(tag, id)
  }
  return tags
}

/** Makes or moves a tag, atomically. The caller has checked that the image has this version. */
export async function moveTag(repository: Repository, image: string, tag: string, versionId: string): Promise<void> {
  const file = tagFile(repository.directory, image, tag)
  await makeDirectoryDurably(path.dirname(file))
  await writeFileDurably(file, `${versionId}\n`)
}

/** The tree of a version in the repository. Throws ManifestInvalid, DecodeError. */
export async function readTree(repository: Repository, versionId: string): Promise<Tree> {
  return decodeStoredManifest(await readFile(versionFile(repository.directory, versionId, 'manifest')), versionId)
}

/** Signed statements about a version; empty where there is no such version. Throws DecodeError. */
export async function readSignatures(repository: Repository, versionId: string): Promise<SignedStatement[]> {
  try {
    return decodeSignatures(await readFile(versionFile(repository.directory, versionId, 'signatures')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

async function readStatements(repository: Repository): Promise<Statement[]> {
  const ids = (await readdirIfThere(path.join(repository.directory, 'versions'))).filter(isId)
  return (await Promise.all(ids.map((id) => readUsableStatements(repository, id)))).flat()
}

/** One damaged file must not hide every other version: it is left out here, and `image verify` names it. */
async function readUsableStatements(repository: Repository, versionId: string): Promise<Statement[]> {
  try {
    const signatures = await readSignatures(repository, versionId)
    return signatures.map(({ statement }) => decodeStatement(statement)).filter(({ version }) => version === versionId)
  } catch (error) {
    if (error instanceof DecodeError) return []
    throw error
  }
}

function tagsOf(versionId: string, tags: ReadonlyMap<string, string>): string[] {
  return [...tags].filter(([, id]) => id === versionId).map(([tag]) => tag)
}

async function readdirIfThere(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
