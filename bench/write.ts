import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { buildRecipe } from '../src/build/build-recipe.ts'
import { readRecipe } from '../src/build/read-recipe.ts'
import { importTar } from '../src/image/import-tar.ts'
import { readChunkIndex } from '../src/image/pack-index.ts'
import { ensureRendition } from '../src/image/renditions/ensure-rendition.ts'
import { importDisk } from '../src/image/renditions/import-disk.ts'
import { layBlocks } from '../src/image/renditions/lay-blocks.ts'
import { StoredChunks } from '../src/image/renditions/stored-chunks.ts'
import { openRepository } from '../src/image/repository.ts'
import { openSigningKey } from '../src/image/signing-key.ts'
import { defaultCacheDirectory } from '../src/ramdisk/build-ramdisk.ts'
import { type Benchmark, judgeGoal } from './benchmark.ts'
import { AgentProcess, type AgentWrote } from './deploy/agent-process.ts'
import { serveContent } from './deploy/serve-content.ts'
import { type Contender, measureInTurn, median } from './measure.ts'
import { runPipeline } from './peer.ts'
import { fetchPeer } from './peer-program.ts'
import { LoopTarget } from './write/loop-target.ts'

export const name = 'write'
export const describe =
  'write a Debian volume, and the same as a whole disk, to an empty block device past the page cache, beside zstd | dd, bmaptool copy and casync extract (needs root)'

const recipe = join(import.meta.dirname, '../recipes/debian-minimal.yaml')
const program = new URL('./write/blocks-program.ts', import.meta.url)
const deadlineMs = 600_000
const renditions = ['volume', 'disk'] as const
const peers = ['zstd-dd', 'bmaptool', 'casync'] as const

export const run: Benchmark['run'] = async ({ rounds, log }) => {
  const work = await mkdtemp(join(tmpdir(), 'bootwright-bench-'))
  const stop = new AbortController()
  try {
    const prepared = await prepare(work, log)
    await using target = new LoopTarget(work, prepared.sizeBytes)
    const { baseUrl } = await serveContent(work, stop.signal)
    const ours = renditions.map((rendition) => new OurWriter({ ...prepared.orders[rendition], baseUrl }, target))
    const contenders = [
      ...ours.map((writer, at) => writer.contender(renditions[at]!)),
      ...(await preparePeers(prepared.raw, work, target, log)),
    ]
    const seconds = await measureInTurn(contenders, rounds, log)
    return summarise(prepared.sizeBytes, seconds, ours)
  } finally {
    stop.abort()
    await rm(work, { recursive: true, force: true })
  }
}

/** The recipe's tree as a volume in a repository; laid out as a raw file; and that file once more, as a foreign disk. */
async function prepare(work: string, log: (line: string) => void) {
  log('building or finding the image')
  const { tarPath } = await buildRecipe(await readRecipe(recipe), {
    cacheDirectory: join(defaultCacheDirectory(), 'build'),
  })
  const signingKey = await openSigningKey(join(work, 'keys'))
  const repository = await openRepository(join(work, 'repository'))
  const tree = await importTar(repository, tarPath, { image: 'tree', signingKey })
  const volume = await ensureRendition(repository, tree.id, { name: 'volume', filesystem: 'ext4' }, { signingKey })
  const raw = join(work, 'image.raw')
  await using stored = new StoredChunks(repository, await readChunkIndex(repository.directory))
  await layBlocks(volume.blocks, stored, raw)
  const disk = await importDisk(repository, raw, { image: 'disk', signingKey, format: 'raw' })
  await ensureRendition(repository, disk.id, { name: 'disk' }, { signingKey })
  const key = { imagePublicKeyPem: signingKey.publicKeyPem }
  const { size: sizeBytes } = await stat(raw)
  return {
    raw,
    sizeBytes,
    orders: {
      volume: { image: 'tree', version: tree.id, rendition: 'volume-ext4', ...key },
      disk: { image: 'disk', version: disk.id, rendition: 'disk', ...key },
    },
  }
}

/** The agent in a process of its own that runs already, as on a machine. */
class OurWriter {
  readonly results: AgentWrote[] = []
  readonly readBackSeconds: number[] = []
  readonly #order: object
  readonly #target: LoopTarget
  #agent: AgentProcess | undefined

  constructor(order: object, target: LoopTarget) {
    this.#order = order
    this.#target = target
  }

  contender(name: string): Contender {
    return {
      name,
      prepare: async () => {
        await this.#target.make()
        this.#agent = await AgentProcess.start({ ...this.#order, device: this.#target.device }, program)
      },
      run: async () => {
        this.results.push(await this.#agent!.write())
        await this.#target.flush()
      },
      finish: async () => {
        const startedAt = performance.now()
        await this.#agent!.verify()
        this.readBackSeconds.push((performance.now() - startedAt) / 1000)
        await this.#agent!.end()
      },
    }
  }
}

/** They read from a local file, where ours is fetched over HTTP; none of them reads back what it wrote. */
async function preparePeers(raw: string, work: string, target: LoopTarget, log: (line: string) => void) {
  const casync = await fetchPeer('casync', 'usr/bin/casync', log)
  const bmaptool = await fetchPeer('bmap-tools', 'usr/bin/bmaptool', log)
  const bmapPath = join(dirname(bmaptool.program), '../lib/python3/dist-packages')
  const [zst, bmap] = [`${raw}.zst`, `${raw}.bmap`]
  const [store, index] = [join(work, 'store.castr'), join(work, 'index.caibx')]
  await runPipeline('zstd -q -3 -T0 -c "$1" > "$2"', [raw, zst], deadlineMs)
  await runPipeline(
    'PYTHONPATH="$1" python3 "$2" create "$3" -o "$4"',
    [bmapPath, bmaptool.program, raw, bmap],
    deadlineMs,
  )
  await runPipeline(
    'LD_LIBRARY_PATH="$1" "$2" make --store="$3" "$4" "$5" > /dev/null',
    [casync.libraryPath, casync.program, store, index, raw],
    deadlineMs,
  )
  const copy = 'PYTHONPATH="$1" python3 "$2" -q copy --bmap "$3" "$4" "$5"'
  const extract = 'LD_LIBRARY_PATH="$1" "$2" extract --store="$3" "$4" "$5"'
  const lines: Record<(typeof peers)[number], () => [string, string[]]> = {
    'zstd-dd': () => ['zstd -dc "$1" | dd of="$2" bs=4M conv=fsync status=none', [zst, target.device]],
    bmaptool: () => [copy, [bmapPath, bmaptool.program, bmap, zst, target.device]],
    casync: () => [extract, [casync.libraryPath, casync.program, store, index, target.device]],
  }
  return peers.map(
    (name): Contender => ({
      name,
      prepare: () => target.make(),
      run: async () => {
        const [line, args] = lines[name]()
        await runPipeline(line, args, deadlineMs)
        await target.flush()
      },
      // A peer that wrote something else would be no peer. bmaptool leaves out what the file has as holes: zeros here.
      finish: async () => void (await runPipeline('cmp "$1" "$2"', [raw, target.device], deadlineMs)),
    }),
  )
}

function summarise(sizeBytes: number, seconds: Record<string, number[]>, ours: readonly OurWriter[]) {
  const figures: Record<string, number> = { sizeBytes }
  for (const [who, values] of Object.entries(seconds)) figures[`${who}Seconds`] = median(values)
  const goals = renditions.flatMap((rendition, at) => {
    const { results, readBackSeconds } = ours[at]!
    figures[`${rendition}CpuSeconds`] = median(results.map(({ cpuSeconds }) => cpuSeconds))
    figures[`${rendition}ReadBackSeconds`] = median(readBackSeconds)
    figures[`${rendition}BytesFetched`] = results[0]!.bytesFetched
    figures[`${rendition}BytesWritten`] = results[0]!.bytesWritten
    return peers.map((peer) =>
      judgeGoal(
        `${rendition}: time beside ${peer}, every byte checked`,
        median(seconds[rendition]!) / median(seconds[peer]!),
        '<=',
        1,
      ),
    )
  })
  return { figures, goals }
}
