import { DecodeError } from '../../bytes/decode-error.ts'
import { readChunkIndex } from '../pack-index.ts'
import { parseRenditionName } from '../renditions/rendition-name.ts'
import { StoredChunks } from '../renditions/stored-chunks.ts'
import { readRendition } from '../renditions/stored-rendition.ts'
import { type Repository, readTree } from '../repository.ts'
import { RepositoryHold } from '../store/repository-hold.ts'
import { withRepositoryLock } from '../store/repository-lock.ts'
import type { ChunkTable } from '../tree.ts'
import { encodeDelta } from './delta-codec.ts'
import { type MissingRow, missingTreeRows, missingVolumeRows } from './delta-rows.ts'
import { type DeltaSubject, readDelta, type StoredDelta } from './delta-store.ts'
import { DeltaWriter } from './delta-writer.ts'

/** A chunk of which this much is left is fetched from its pack, which others fetch from too. */
const worthwhile = 0.85
const atOnce = 4

/** A delta between versions, or renditions of them, that are not there. */
export class DeltaImpossible extends Error {
  override readonly name = 'DeltaImpossible'
  readonly subject: DeltaSubject

  constructor(subject: DeltaSubject, reason: string) {
    super(`Cannot make the delta of ${subject.name} from ${subject.parent} to ${subject.version}: ${reason}`)
    this.subject = subject
  }
}

export type DeltaOptions = {
  onProgress?: ((progress: { chunksDone: number; storedBytes: number }) => void) | undefined
  signal?: AbortSignal | undefined
}

/** The delta that is there, or made now. `name` is `tree`, or a volume's. Throws DeltaImpossible, ChunkMissing, StoredChunkInvalid. */
export async function ensureDelta(
  repository: Repository,
  subject: DeltaSubject,
  options: DeltaOptions = {},
): Promise<StoredDelta> {
  const existing = await readDelta(repository, subject).catch((error: unknown) => {
    if (!(error instanceof DecodeError)) throw error
    return undefined // a damaged one is made again
  })
  if (existing) return existing
  await using hold = await RepositoryHold.take(repository)
  const index = await readChunkIndex(repository.directory)
  await using stored = new StoredChunks(repository, index)
  const { table, rows } = await missingRows(repository, subject, stored)
  await using writer = await DeltaWriter.create(hold)
  let chunksDone = 0
  let storedBytes = 0
  for await (const { chunk, delta } of inOrder(rows, (row) => encodeRow(table, row, stored))) {
    options.signal?.throwIfAborted()
    const id = Buffer.from(table.ids.subarray(chunk * 32, chunk * 32 + 32))
    const whole = index.get(id.toString('latin1'))?.storedBytes ?? 0
    if (delta.length <= whole * worthwhile) {
      if (await writer.append(id, table.sizes[chunk]!, delta)) storedBytes += delta.length
    }
    options.onProgress?.({ chunksDone: ++chunksDone, storedBytes })
  }
  await withRepositoryLock(repository, () => writer.publish(repository, subject))
  return (await readDelta(repository, subject))!
}

type Missing = { table: ChunkTable; rows: AsyncIterable<MissingRow> | Iterable<MissingRow> }

async function missingRows(repository: Repository, subject: DeltaSubject, stored: StoredChunks): Promise<Missing> {
  const { version, name, parent } = subject
  if (name === 'tree') {
    const [have, want] = await Promise.all([readTree(repository, parent), readTree(repository, version)])
    return { table: want.chunks, rows: missingTreeRows(have, want, stored) }
  }
  if (parseRenditionName(name).name !== 'volume') throw new DeltaImpossible(subject, 'only trees and volumes have one')
  const [have, want] = await Promise.all([
    readRendition(repository, parent, name),
    readRendition(repository, version, name),
  ])
  if (!have || !want) throw new DeltaImpossible(subject, 'one of the two was not made')
  return { table: want.blocks.chunks, rows: missingVolumeRows(have.blocks, want.blocks, stored) }
}

async function encodeRow(table: ChunkTable, { chunk, readBase }: MissingRow, stored: StoredChunks) {
  const [bytes, base] = await Promise.all([stored.read(table, chunk), readBase()])
  return { chunk, delta: await encodeDelta(bytes, base) }
}

/** Works on some at once, and gives what comes out in the order of what went in. */
async function* inOrder<In, Out>(items: AsyncIterable<In> | Iterable<In>, work: (item: In) => Promise<Out>) {
  const ahead: Promise<Out>[] = []
  for await (const item of items) {
    const next = work(item)
    next.catch(() => undefined) // met when its turn comes
    ahead.push(next)
    if (ahead.length >= atOnce) yield await ahead.shift()!
  }
  for (const next of ahead) yield await next
}
