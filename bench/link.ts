import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildRecipe } from '../src/build/build-recipe.ts'
import { readRecipe } from '../src/build/read-recipe.ts'
import { importTar } from '../src/image/import-tar.ts'
import { ensureRendition } from '../src/image/renditions/ensure-rendition.ts'
import { openRepository } from '../src/image/repository.ts'
import { openSigningKey } from '../src/image/signing-key.ts'
import { defaultCacheDirectory } from '../src/ramdisk/build-ramdisk.ts'
import { type Benchmark, judgeGoal } from './benchmark.ts'
import { AgentProcess, type AgentWrote } from './deploy/agent-process.ts'
import { FreshFilesystem } from './deploy/fresh-filesystem.ts'
import { ShapedLink } from './link/shaped-link.ts'
import { type Contender, measureInTurn, median } from './measure.ts'
import { runPipeline } from './peer.ts'
import { ServerProcess } from './serve/server-process.ts'
import { LoopTarget } from './write/loop-target.ts'

export const name = 'link'
export const describe =
  'a first deployment of a Debian tree and of its volume over a link shaped to 1 Gbit/s, beside what link and disk allow at best (needs root)'

const recipe = join(import.meta.dirname, '../recipes/debian-minimal.yaml')
const bitsPerSecond = 1e9
const deadlineMs = 300_000
const renditions = ['tree', 'volume'] as const
type Rendition = (typeof renditions)[number]

const programs = {
  tree: new URL('./deploy/agent-program.ts', import.meta.url),
  volume: new URL('./write/blocks-program.ts', import.meta.url),
}

/** Where a rendition is written, made anew for every contender. */
type Target = { make(): Promise<void>; flush(): Promise<void>; order(): object; pathFor(name: string): string }

export const run: Benchmark['run'] = async ({ rounds, log }) => {
  const work = await mkdtemp(join(tmpdir(), 'bootwright-bench-'))
  await using filesystem = new FreshFilesystem(work)
  try {
    const { order, volumeBytes, packs } = await prepare(work, log)
    await using device = new LoopTarget(work, volumeBytes)
    const targets: Record<Rendition, Target> = {
      tree: {
        make: () => filesystem.make(),
        flush: () => filesystem.flush(),
        order: () => ({ directory: filesystem.directory, isBegun: true }),
        pathFor: (name) => join(filesystem.directory, name),
      },
      volume: {
        make: () => device.make(),
        flush: () => device.flush(),
        order: () => ({ device: device.device, rendition: 'volume-ext4' }),
        pathFor: () => device.device,
      },
    }
    await using link = await ShapedLink.make(bitsPerSecond)
    const server = await ServerProcess.bootwright(join(work, 'repository'), link.server)
    try {
      const ordered = { ...order, baseUrl: `http://${link.server.address}:${server.port}` }
      const results: Results = { tree: [], volume: [] }
      const contenders = renditions.flatMap((rendition) => {
        const setting = { target: targets[rendition], results: results[rendition], link, order: ordered }
        return [deployment(rendition, setting), plainWrite(rendition, setting)]
      })
      contenders.push(
        plainFetch(
          packs.map((pack) => `${ordered.baseUrl}/packs/${pack}`),
          link,
        ),
      )
      return summarise(await measureInTurn(contenders, rounds, log), results)
    } finally {
      await server.end()
    }
  } finally {
    await filesystem[Symbol.asyncDispose]()
    await rm(work, { recursive: true, force: true })
  }
}

async function prepare(work: string, log: (line: string) => void) {
  log('building or finding the image')
  const { tarPath } = await buildRecipe(await readRecipe(recipe), {
    cacheDirectory: join(defaultCacheDirectory(), 'build'),
  })
  const signingKey = await openSigningKey(join(work, 'keys'))
  const repository = await openRepository(join(work, 'repository'))
  const version = await importTar(repository, tarPath, { image: name, signingKey })
  const packs = (await readdir(join(work, 'repository/packs'))).filter((file) => file.endsWith('.pack'))
  const volume = await ensureRendition(repository, version.id, { name: 'volume', filesystem: 'ext4' }, { signingKey })
  const order = { image: name, version: version.id, imagePublicKeyPem: signingKey.publicKeyPem }
  const names = packs.map((file) => file.replace('.pack', ''))
  return { order, volumeBytes: volume.blocks.sizeBytes, packs: names }
}

type Results = Record<Rendition, AgentWrote[]>
type Setting = { target: Target; results: AgentWrote[]; link: ShapedLink; order: object }

function deployment(rendition: Rendition, { target, results, link, order }: Setting): Contender {
  let agent: AgentProcess | undefined
  return {
    name: rendition,
    prepare: async () => {
      await target.make()
      agent = await AgentProcess.start({ ...order, ...target.order() }, programs[rendition], link.agent.launcher)
    },
    run: async () => {
      results.push(await agent!.write())
      await target.flush()
    },
    finish: () => agent!.end(),
  }
}

/** As many bytes, written to the same kind of place by a program that does only that. */
function plainWrite(rendition: Rendition, { target, results }: Setting): Contender {
  return {
    name: `disk of the ${rendition}`,
    prepare: () => target.make(),
    run: async () => {
      const bytes = results.at(-1)?.bytesWritten ?? 0
      const write = 'head -c "$1" /dev/zero | dd of="$2" bs=4M iflag=fullblock conv=fsync,notrunc status=none'
      await runPipeline(write, [String(bytes), target.pathFor('bytes')], deadlineMs)
    },
  }
}

/** The packs of the tree over the same link, by a program that does nothing with them: frames and TCP have their share too. */
function plainFetch(urls: readonly string[], link: ShapedLink): Contender {
  return {
    name: 'link of the tree',
    run: async () => {
      const [program = '', ...args] = [...link.agent.launcher, 'curl', '-sSf', '-Z', ...urls]
      await runPipeline('"$@" >/dev/null', [program, ...args], deadlineMs)
    },
  }
}

function summarise(seconds: Record<string, number[]>, results: Results) {
  const figures: Record<string, number> = {}
  const goals = renditions.map((rendition) => {
    const fetchedBytes = median(results[rendition].map((result) => result.bytesFetched))
    const [took, diskSeconds] = [median(seconds[rendition]!), median(seconds[`disk of the ${rendition}`]!)]
    const linkSeconds = (fetchedBytes * 8) / bitsPerSecond
    const share = Math.max(linkSeconds, diskSeconds) / took
    figures[`${rendition}Seconds`] = took
    figures[`${rendition}LinkSeconds`] = linkSeconds
    figures[`${rendition}DiskSeconds`] = diskSeconds
    figures[`${rendition}FetchedBytes`] = fetchedBytes
    return judgeGoal(`${rendition}: share of what link and disk allow`, share, '>=', 0.93)
  })
  figures.treePlainFetchSeconds = median(seconds['link of the tree']!)
  return { figures, goals }
}
