import { stat } from 'node:fs/promises'
import path from 'node:path'
import { readSignatures, readTree } from '../repository.ts'
import { chunkBytes } from '../tree.ts'
import { type BlockMap, fullRow } from './block-map.ts'
import { BlockMapBuilder } from './block-map-builder.ts'
import { BtrfsPool } from './btrfs-pool.ts'
import { receiveSubvolume } from './btrfs-receive.ts'
import { sendSubvolume } from './btrfs-send.ts'
import { requireRoot } from './needs-root.ts'
import { readRenditionBytes } from './read-bytes.ts'
import { parseRenditionName } from './rendition-name.ts'
import { ancestorsOf, type RenditionWork } from './rendition-options.ts'
import { withRootTimes } from './root-times.ts'
import { listRenditions, readRendition, type StoredRendition } from './stored-rendition.ts'
import { syncTree } from './sync-tree.ts'
import { emptyTree, TreeContents } from './tree-contents.ts'

/** A send stream of the version's subvolume; against that of `parent`, where it is given. */
export async function makeBtrfsStream(work: RenditionWork, parent: string | undefined): Promise<BlockMap> {
  requireRoot(work.versionId, work.rendition)
  await using pool = await BtrfsPool.open(work)
  if (parent !== undefined) await ensureSubvolume(work, pool, parent)
  await ensureSubvolume(work, pool, work.versionId, parent)
  const subvolume = pool.path(work.versionId)
  const stream = sendSubvolume(subvolume, parent && pool.path(parent), work.options.signal)
  const times = await stat(subvolume, { bigint: true })
  return await cutStream(work, withRootTimes(stream, times)) // the pool is open until then
}

/**
 * A version has one subvolume, whose identity stands in each stream of it: a machine that received one of them can
 * receive a stream against it. So a subvolume that was lost is received again from the stream that was given out.
 */
async function ensureSubvolume(
  work: RenditionWork,
  pool: BtrfsPool,
  versionId: string,
  parent?: string,
): Promise<void> {
  if (await pool.has(versionId)) return
  const given = await findStream(work, versionId)
  if (given) return receiveAgain(work, pool, given)
  const base = parent ?? (await nearestSubvolume(work, pool, versionId))
  await place(pool, versionId, async (directory) => {
    const subvolume = path.join(directory, versionId)
    await pool.create(subvolume, base)
    const want = await readTree(work.repository, versionId)
    const have = base === undefined ? emptyTree : await readTree(work.repository, base)
    const { signal } = work.options
    await syncTree(subvolume, new TreeContents(have, work.stored), new TreeContents(want, work.stored), {
      signal,
      onProgress: (bytesDone, bytesTotal) => work.options.onProgress?.({ step: 'write files', bytesDone, bytesTotal }),
    })
    await pool.makeReadOnly(subvolume)
  })
}

async function place(pool: BtrfsPool, versionId: string, fill: (directory: string) => Promise<void>): Promise<void> {
  const directory = await pool.makeDirectory()
  try {
    await fill(directory)
  } catch (error) {
    await pool.discard(directory)
    throw error
  }
  await pool.place(directory, versionId)
}

/** The whole one rather than one against another version, which would be needed first. */
async function findStream(work: RenditionWork, versionId: string): Promise<StoredRendition | undefined> {
  const names = await listRenditions(work.repository, versionId)
  const [name] = names.filter((other) => parseRenditionName(other).name === 'btrfs')
  return name === undefined ? undefined : readRendition(work.repository, versionId, name)
}

async function receiveAgain(work: RenditionWork, pool: BtrfsPool, rendition: StoredRendition): Promise<void> {
  const { version, parent } = rendition.header
  if (parent !== undefined) await ensureSubvolume(work, pool, parent)
  await place(pool, version, (directory) => {
    return receiveSubvolume(readRenditionBytes(work.repository, rendition), directory)
  })
}

async function nearestSubvolume(work: RenditionWork, pool: BtrfsPool, versionId: string): Promise<string | undefined> {
  const { parent } = work.options
  if (parent === null) return undefined
  if (parent !== undefined) {
    if (parent !== versionId) await ensureSubvolume(work, pool, parent)
    return parent === versionId ? undefined : parent
  }
  // The nearest one gets its subvolume first where it has none: a version's subvolume is made once, and one that began
  // from nothing would share no extent with its ancestors', so that every stream against them would be whole.
  for (const ancestor of await ancestorsOf(work.repository, versionId)) {
    if (!(await pool.has(ancestor)) && (await readSignatures(work.repository, ancestor)).length === 0) continue
    await ensureSubvolume(work, pool, ancestor)
    return ancestor
  }
  return undefined
}

async function cutStream(work: RenditionWork, stream: AsyncIterable<Buffer>): Promise<BlockMap> {
  const builder = new BlockMapBuilder(work.session.chunks)
  let row = new Uint8Array(chunkBytes)
  let filled = 0
  let sizeBytes = 0
  for await (const part of stream) {
    for (let start = 0; start < part.length; ) {
      const length = Math.min(chunkBytes - filled, part.length - start)
      row.set(part.subarray(start, start + length), filled)
      start += length
      filled += length
      if (filled < chunkBytes) continue
      await builder.addRow(row, fullRow)
      row = new Uint8Array(chunkBytes)
      filled = 0
    }
    sizeBytes += part.length
    work.options.onProgress?.({ step: 'send', bytesDone: sizeBytes, bytesTotal: sizeBytes })
  }
  if (filled > 0) await builder.addRow(row.slice(0, filled), fullRow)
  await work.session.seal()
  return builder.finish(sizeBytes)
}
