import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { decodeIndex, type PackedChunk } from '../pack-format.ts'
import type { Repository } from '../repository.ts'
import { deltaFile } from '../repository-layout.ts'

/*
 * A delta holds, for a machine that has one version, the chunks of another that it lacks, each compressed against what
 * the machine has. `data` is 16 bytes "BOOTWRIGHT-DELT1" and then the compressed chunks; `index` has the form of a pack's
 * (pack-format.ts), where the encoding is `zstd` with the chunk's base as dictionary. Neither is signed: a chunk is what
 * its id says, or it is fetched from its pack. What is not worth it, or has no base, is not in a delta.
 */

export const deltaMagic = Buffer.from('BOOTWRIGHT-DELT1')

/** What is compressed: the rows of the version's tree, or those of a volume (renditions/rendition-name.ts). */
export type DeltaSubject = { version: string; name: string; parent: string }
export type StoredDelta = { directory: string; chunks: PackedChunk[]; storedBytes: number }

/** Undefined where it was not made. Throws DecodeError. */
export async function readDelta(repository: Repository, subject: DeltaSubject): Promise<StoredDelta | undefined> {
  const file = deltaFile(repository.directory, subject, 'index')
  try {
    const chunks = decodeIndex(`delta index ${file}`, await readFile(file))
    return {
      directory: path.dirname(file),
      chunks,
      storedBytes: chunks.reduce((sum, chunk) => sum + chunk.storedBytes, 0),
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
