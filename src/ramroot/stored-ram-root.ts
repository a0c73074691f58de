import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { RamRootForm } from '../image/renditions/rendition-name.ts'
import { ramRootForms } from '../image/renditions/rendition-name.ts'
import type { Repository } from '../image/repository.ts'
import { ramRootDirectory } from '../image/repository-layout.ts'
import { type RamRoot, ramRootFormat } from './ram-root-form.ts'

/** What was made of a version to run it from memory; undefined where it was not, or by another revision of this program. */
export async function readRamRoot(
  repository: Repository,
  versionId: string,
  form: RamRootForm,
): Promise<RamRoot | undefined> {
  const directory = ramRootDirectory(repository.directory, versionId, form)
  try {
    const index = JSON.parse(await readFile(path.join(directory, 'index.json'), 'utf8')) as RamRoot
    return index.format === ramRootFormat ? index : undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return undefined
    throw error
  }
}

export async function listRamRoots(repository: Repository, versionId: string): Promise<RamRootForm[]> {
  const found: RamRootForm[] = []
  for (const form of ramRootForms) if (await readRamRoot(repository, versionId, form)) found.push(form)
  return found
}
