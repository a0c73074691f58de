import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { isRenditionName } from '../renditions/rendition-name.ts'
import { isId, renditionFile, type VersionFileName, versionFile } from '../repository-layout.ts'

/** What has a manifest, signatures and locations: a version's tree, or another rendition of it. */
export type ContentName = { version: string; rendition?: string | undefined }

/** `VERSION`, or `VERSION/RENDITION`. */
export function formatContentName({ version, rendition }: ContentName): string {
  return rendition === undefined ? version : `${version}/${rendition}`
}

export function contentFile(directory: string, { version, rendition }: ContentName, file: VersionFileName): string {
  return rendition === undefined
    ? versionFile(directory, version, file)
    : renditionFile(directory, version, rendition, file)
}

/** Everything a repository has a directory for, whole or not. */
export async function listContents(directory: string): Promise<ContentName[]> {
  const contents: ContentName[] = []
  const versions = await readdir(path.join(directory, 'versions'))
  for (const version of versions.filter(isId).sort()) {
    contents.push({ version })
    const renditions = await readdirIfThere(path.join(directory, 'versions', version, 'renditions'))
    for (const rendition of renditions.filter(isRenditionName).sort()) contents.push({ version, rendition })
  }
  return contents
}

async function readdirIfThere(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return []
    throw error
  }
}
