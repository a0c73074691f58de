import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ProgramFailed } from '../programs/run-program.ts'
import { type ArchiveEntry, writeArchive, writeArchiveFile } from './cpio.ts'

/** What a share of a segment is made of: `drivers/net/ethernet`, `node`, `libssl3`; bytes before compression. */
export type Share = { of: string; files: number; bytes: number }

/** One archive of the initrd, packed and in the cache. */
export type Segment = {
  name: string
  /** Cached file, and the name under which it is served. */
  path: string
  fileName: string
  packedBytes: number
  rawBytes: number
  shares: Share[]
}

/** An entry and what it is to be counted under. */
export type SegmentEntry = { entry: ArchiveEntry; of: string }

export type SegmentRecipe = {
  name: string
  /** Whatever decides the content: digests of packages, versions, rules. Equal inputs are not packed again. */
  inputs: unknown
  /** zstd level, or false for a plain archive. */
  compress: number | false
  entries: () => Promise<SegmentEntry[]>
}

export type SegmentCache = { directory: string; signal?: AbortSignal | undefined }

/** Bumped when the way a segment is packed changes, so that older cached ones are not used. */
const packingRevision = 1

/** The segment from the cache, or packed now, written aside and renamed. */
export async function makeSegment(
  cache: SegmentCache,
  recipe: SegmentRecipe,
  onProgress: (message: string) => void,
): Promise<Segment> {
  const key = createHash('sha256')
    .update(JSON.stringify([packingRevision, recipe.name, recipe.compress, recipe.inputs]))
    .digest('hex')
  const directory = join(cache.directory, 'segments')
  const stem = join(directory, `${recipe.name}-${key.slice(0, 32)}`)
  const cached = await readCached(`${stem}.json`)
  if (cached) return cached
  await mkdir(directory, { recursive: true })
  const entries = await recipe.entries()
  const shares = shareOut(entries)
  const rawBytes = shares.reduce((sum, share) => sum + share.bytes, 0)
  onProgress(`packing ${recipe.name}, ${(rawBytes / 1e6).toFixed(1)} MB`)
  const fileName = recipe.compress === false ? `${recipe.name}.cpio` : `${recipe.name}.cpio.zst`
  const path = `${stem}${fileName.slice(recipe.name.length)}`
  const packedBytes = await pack(entries, path, recipe.compress, cache.signal)
  const segment: Segment = { name: recipe.name, path, fileName, packedBytes, rawBytes, shares }
  await writeFile(`${stem}.json.${process.pid}`, JSON.stringify(segment))
  await rename(`${stem}.json.${process.pid}`, `${stem}.json`)
  return segment
}

async function readCached(path: string): Promise<Segment | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const segment = JSON.parse(text) as Segment
  const size = await stat(segment.path).then(
    (stats) => stats.size,
    () => -1,
  )
  return size === segment.packedBytes ? segment : undefined
}

function shareOut(entries: readonly SegmentEntry[]): Share[] {
  const shares = new Map<string, Share>()
  for (const { entry, of } of entries) {
    const share = shares.get(of) ?? { of, files: 0, bytes: 0 }
    shares.set(of, share)
    share.files += 1
    share.bytes += entry.kind === 'file' ? entry.sizeBytes : entry.kind === 'bytes' ? entry.bytes.length : 0
  }
  return [...shares.values()].sort((a, b) => b.bytes - a.bytes)
}

async function pack(
  entries: readonly SegmentEntry[],
  path: string,
  compress: number | false,
  signal: AbortSignal | undefined,
): Promise<number> {
  const aside = `${path}.${process.pid}`
  const archive = entries.map(({ entry }) => entry)
  try {
    if (compress === false) await writeArchiveFile(archive, aside)
    else await packWithZstd(archive, aside, compress, signal)
    // The kernel finds the next archive at a multiple of four bytes and skips zeros before it, so segments can be joined.
    const { size } = await stat(aside)
    await truncate(aside, (size + 3) & ~3)
    await rename(aside, path)
    return (size + 3) & ~3
  } catch (error) {
    await rm(aside, { force: true })
    throw error
  }
}

/** The zstd program, because Node's own has no threads; the output does not depend on how many cores there are. */
async function packWithZstd(
  archive: readonly ArchiveEntry[],
  path: string,
  level: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const zstdArguments = [`-${level}`, '-T0', '-q', '-f', '-o', path]
  const zstd = spawn('zstd', zstdArguments, { stdio: ['pipe', 'ignore', 'pipe'], ...(signal ? { signal } : {}) })
  let stderr = ''
  zstd.stderr.on('data', (text) => {
    stderr += text
  })
  zstd.stdin.on('error', () => {}) // a broken pipe is told better by zstd's own words
  const archived = writeArchive(archive, zstd.stdin).catch((error) => {
    zstd.kill() // it would wait for the rest
    throw error
  })
  const [ended, written] = await Promise.allSettled([once(zstd, 'close'), archived])
  if (ended.status === 'rejected') throw new ProgramFailed('zstd', zstdArguments, 'could not run', stderr, ended.reason)
  const [code, killedBy] = ended.value as [number | null, string | null]
  if (written.status === 'rejected' && (killedBy || code === 0)) throw written.reason
  if (code !== 0) throw new ProgramFailed('zstd', zstdArguments, `ended with code ${code}`, stderr)
}
