import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildRecipe } from '../src/build/build-recipe.ts'
import { readRecipe } from '../src/build/read-recipe.ts'
import { importDirectory } from '../src/image/import-directory.ts'
import { importDisk } from '../src/image/renditions/import-disk.ts'
import { openRepository } from '../src/image/repository.ts'
import { openSigningKey } from '../src/image/signing-key.ts'
import { defaultCacheDirectory } from '../src/ramdisk/build-ramdisk.ts'
import { type Benchmark, judgeGoal } from './benchmark.ts'
import { FreshFilesystem } from './deploy/fresh-filesystem.ts'
import { type Contender, measureInTurn, median } from './measure.ts'
import { runPipeline } from './peer.ts'
import { fetchPeer, type PeerProgram } from './peer-program.ts'
import { storedBytes } from './stored-bytes.ts'

export const name = 'import'
export const describe =
  'import a Debian tree, and the same tree as a raw disk, into an empty store, beside casync make (needs root)'

const recipe = join(import.meta.dirname, '../recipes/debian-minimal.yaml')
const deadlineMs = 600_000
const kinds = ['tree', 'disk'] as const
type Kind = (typeof kinds)[number]

export const run: Benchmark['run'] = async ({ rounds, log }) => {
  const work = await mkdtemp(join(tmpdir(), 'bootwright-bench-'))
  try {
    await using sources = await FreshFilesystem.below(work, 'sources')
    await using stores = await FreshFilesystem.below(work, 'stores')
    const casync = await fetchPeer('casync', 'usr/bin/casync', log)
    const source = await prepareSources(sources, log)
    const bytes: Record<string, number> = {}
    const contender = (name: string, fill: (directory: string) => Promise<unknown>): Contender => ({
      name,
      prepare: () => stores.make(),
      run: async () => {
        await fill(stores.directory)
        await stores.flush()
      },
      finish: async () => {
        bytes[name] = await storedBytes(join(stores.directory, 'store'))
      },
    })
    const signingKey = await openSigningKey(join(work, 'keys'))
    const importInto = async (directory: string, kind: Kind) => {
      const repository = await openRepository(join(directory, 'store'))
      const options = { image: kind, signingKey }
      if (kind === 'tree') await importDirectory(repository, source.tree, options)
      else await importDisk(repository, source.disk, { ...options, format: 'raw' })
    }
    const contenders = kinds.flatMap((kind) => [
      contender(`bootwright ${kind}`, (directory) => importInto(directory, kind)),
      contender(`casync ${kind}`, (directory) => runCasync(casync, directory, source[kind])),
    ])
    const seconds = await measureInTurn(contenders, rounds, log)
    return summarise(source, seconds, bytes)
  } finally {
    await rm(work, { recursive: true })
  }
}

type Sources = { tree: string; disk: string; treeBytes: number; diskBytes: number }

/** The tree of the trial's image, and an ext4 of it as a raw disk, in the page cache both. */
async function prepareSources(filesystem: FreshFilesystem, log: (line: string) => void): Promise<Sources> {
  const { tarPath } = await buildRecipe(await readRecipe(recipe), {
    cacheDirectory: join(defaultCacheDirectory(), 'build'),
  })
  await filesystem.make()
  const [tree, disk] = [join(filesystem.directory, 'tree'), join(filesystem.directory, 'disk.raw')]
  await mkdir(tree)
  await runPipeline(
    'tar -x --xattrs --xattrs-include="*" --numeric-owner -p -C "$2" -f "$1"',
    [tarPath, tree],
    deadlineMs,
  )
  await runPipeline('truncate -s 1G "$2" && mkfs.ext4 -q -d "$1" "$2"', [tree, disk], deadlineMs)
  await runPipeline('sync -f "$1" && cat "$1" > /dev/null', [disk], deadlineMs)
  const treeBytes = Number(await runPipeline('du -s --apparent-size -B1 "$1" | cut -f1', [tree], deadlineMs))
  const diskBytes = (await stat(disk)).size
  log(`the tree has ${treeBytes} bytes, the disk ${diskBytes}`)
  return { tree, disk, treeBytes, diskBytes }
}

/** The index is part of what is stored: without it the chunks are nothing. */
async function runCasync({ program, libraryPath }: PeerProgram, directory: string, source: string): Promise<void> {
  const store = join(directory, 'store')
  await mkdir(store)
  const index = join(store, (await stat(source)).isDirectory() ? 'index.caidx' : 'index.caibx')
  const line = 'LD_LIBRARY_PATH="$1" "$2" make --store="$3" "$4" "$5" > /dev/null'
  await runPipeline(line, [libraryPath, program, join(store, 'chunks.castr'), index, source], deadlineMs)
}

function summarise(source: Sources, seconds: Record<string, number[]>, bytes: Record<string, number>) {
  const figures: Record<string, number> = { treeBytes: source.treeBytes, diskBytes: source.diskBytes }
  const goals = kinds.flatMap((kind) => {
    const [ours, theirs] = [`bootwright ${kind}`, `casync ${kind}`]
    const [ourSeconds, theirSeconds] = [median(seconds[ours]!), median(seconds[theirs]!)]
    const sizeBytes = source[`${kind}Bytes`]
    const figure = (who: string, what: string) => `${who}${kind[0]!.toUpperCase()}${kind.slice(1)}${what}`
    figures[figure('bootwright', 'Seconds')] = ourSeconds
    figures[figure('casync', 'Seconds')] = theirSeconds
    figures[figure('bootwright', 'BytesPerSecond')] = sizeBytes / ourSeconds
    figures[figure('casync', 'BytesPerSecond')] = sizeBytes / theirSeconds
    figures[figure('bootwright', 'StoredBytes')] = bytes[ours]!
    figures[figure('casync', 'StoredBytes')] = bytes[theirs]!
    return [
      judgeGoal(`${kind}: throughput beside casync`, theirSeconds / ourSeconds, '>=', 2),
      judgeGoal(`${kind}: stored bytes beside casync`, bytes[ours]! / bytes[theirs]!, '<=', 1),
    ]
  })
  return { figures, goals }
}
