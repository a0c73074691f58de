import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { DecodeError } from '../../bytes/decode-error.ts'
import { writeFileDurably } from '../durable-file.ts'

const format = 'bootwright-condemned-1'
const packId = '^[0-9a-f]{64}$'

const CondemnedPack = Type.Object({
  /** Milliseconds since the epoch: from then on no new locations name the pack. */
  since: Type.Integer(),
  /** `unused`: no version needs it. `damaged`: what was whole in it has been copied. */
  reason: Type.Union([Type.Literal('unused'), Type.Literal('damaged')]),
  /** Holds (repository-hold.ts) that were there: their owners may have found a chunk in it. */
  holds: Type.Array(Type.String()),
})
export type CondemnedPack = Static<typeof CondemnedPack>

const CondemnedFile = Type.Object({
  format: Type.Literal(format),
  packs: Type.Record(Type.String({ pattern: packId }), CondemnedPack),
})

/** Packs that are to be deleted: nobody finds a chunk in them any more, who began to fetch from them still can. */
export type CondemnedPacks = Map<string, CondemnedPack>

export function condemnedFile(directory: string): string {
  return path.join(directory, 'condemned')
}

/**
 * A damaged file counts as empty, which is safe: a pack is deleted only if it is in there. (`image verify` tells of it.)
 * To act on what it says, call this under withRepositoryLock().
 */
export async function readCondemned(directory: string): Promise<CondemnedPacks> {
  try {
    return decodeCondemned(await readFile(condemnedFile(directory), 'utf8'))
  } catch (error) {
    if (error instanceof DecodeError || (error as NodeJS.ErrnoException).code === 'ENOENT') return new Map()
    throw error
  }
}

/** Throws DecodeError. */
export function decodeCondemned(text: string): CondemnedPacks {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new DecodeError('list of condemned packs', 'it is not JSON')
  }
  if (Value.Check(CondemnedFile, value)) return new Map(Object.entries(value.packs))
  throw new DecodeError('list of condemned packs', 'it does not have the form of one')
}

/** Under withRepositoryLock() only. */
export async function writeCondemned(directory: string, packs: CondemnedPacks): Promise<void> {
  const text = `${JSON.stringify({ format, packs: Object.fromEntries([...packs].sort()) }, undefined, 1)}\n`
  await writeFileDurably(condemnedFile(directory), text)
}

/**
 * Under withRepositoryLock() only: `fresh` packs were just written, `needed` ones have chunks of what is about to be
 * published. Damaged ones stay condemned unless they are fresh; what was whole in them lies elsewhere too.
 */
export async function reprievePacks(
  directory: string,
  fresh: Iterable<string>,
  needed: Iterable<string>,
): Promise<void> {
  const condemned = await readCondemned(directory)
  const before = condemned.size
  for (const pack of fresh) condemned.delete(pack)
  for (const pack of needed) if (condemned.get(pack)?.reason === 'unused') condemned.delete(pack)
  if (condemned.size < before) await writeCondemned(directory, condemned)
}
