import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Repository } from '../repository.ts'
import { renditionDirectory, renditionFile, versionDirectory } from '../repository-layout.ts'
import { decodeSignatures } from '../statement.ts'
import { type OpenedRendition, openWithStatement } from './open-rendition.ts'
import { isRenditionName } from './rendition-name.ts'
import { decodeRenditionStatement } from './rendition-statement.ts'

/** A rendition in a repository. `directory` holds its manifest, signatures and locations. */
export type StoredRendition = OpenedRendition & { directory: string }

/** Names of the renditions a version has, sorted; its tree, which it always has, is not among them. */
export async function listRenditions(repository: Repository, versionId: string): Promise<string[]> {
  try {
    const names = await readdir(path.join(versionDirectory(repository.directory, versionId), 'renditions'))
    return names.filter(isRenditionName).sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/**
 * A rendition as the repository has it: its hash is checked, its signature is for clients to check. Undefined where it
 * was not made yet. Throws RenditionRefused, DecodeError.
 */
export async function readRendition(
  repository: Repository,
  versionId: string,
  name: string,
): Promise<StoredRendition | undefined> {
  const { directory } = repository
  try {
    const [manifest, signatures] = await Promise.all([
      readFile(renditionFile(directory, versionId, name, 'manifest')),
      readFile(renditionFile(directory, versionId, name, 'signatures')),
    ])
    const [signed] = decodeSignatures(signatures)
    const statement = decodeRenditionStatement(signed?.statement ?? '')
    return { ...openWithStatement(manifest, statement), directory: renditionDirectory(directory, versionId, name) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
