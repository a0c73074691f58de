import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { AgentArchitecture } from '../../core/agent-architecture.ts'
import type { Repository } from '../repository.ts'
import { ramRootDirectory } from '../repository-layout.ts'
import { type RamRootForm, ramRootForms } from './rendition-name.ts'

/** Bytes of the pieces whose hashes are recorded beside that of the whole file. */
export const pieceBytes = 4 * 1024 * 1024

/** A plain file of a rendition, as it is served. */
export type RamRootFile = {
  name: string
  sizeBytes: number
  sha256: string
  /** SHA-256 of each 4 MiB from the start on; the last piece may be shorter. */
  pieces: readonly string[]
}

export const ramRootFormat = 'bootwright-ramroot-1'

/** What a machine needs to run a version from memory; `index.json` beside the files says the same. */
export type RamRoot = {
  format: typeof ramRootFormat
  version: string
  form: RamRootForm
  architecture: AgentArchitecture
  kernelRelease: string
  /** Names: the kernel, the archives it unpacks, in order, and what holds the root. Of an `initrd` that is one of the archives. */
  kernel: string
  initrds: readonly string[]
  root: string
  files: readonly RamRootFile[]
  /** Memory that the unpacked files would take, page by page. */
  contentBytes: number
  /** What is put back at boot. */
  restored: { attributes: number; times: number }
}

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
