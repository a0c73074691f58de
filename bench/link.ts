import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildRecipe } from '../src/build/build-recipe.ts'
import { importTar } from '../src/image/import-tar.ts'
import { openRepository } from '../src/image/repository.ts'
import { openSigningKey } from '../src/image/signing-key.ts'
import { defaultCacheDirectory } from '../src/ramdisk/build-ramdisk.ts'
import { type Benchmark, judgeGoal } from './benchmark.ts'
import { AgentProcess, type AgentWrote } from './deploy/agent-process.ts'
import { FreshFilesystem } from './deploy/fresh-filesystem.ts'
import { ShapedLink } from './link/shaped-link.ts'
import { measureInTurn, median } from './measure.ts'
import { runPipeline } from './peer.ts'
import { ServerProcess } from './serve/server-process.ts'

export const name = 'link'
export const describe =
  'a first deployment of a Debian tree over a link shaped to 1 Gbit/s, beside what link and disk allow at best (needs root)'

const recipe = join(import.meta.dirname, '../recipes/debian-minimal.yaml')
const bitsPerSecond = 1e9
const deadlineMs = 300_000

export const run: Benchmark['run'] = async ({ rounds, log }) => {
  const work = await mkdtemp(join(tmpdir(), 'bootwright-bench-'))
  await using filesystem = new FreshFilesystem(work)
  try {
    const prepared = await prepare(work, log)
    await using link = await ShapedLink.make(bitsPerSecond)
    const server = await ServerProcess.bootwright(join(work, 'repository'), link.server)
    try {
      const order = { ...prepared.order, baseUrl: `http://${link.server.address}:${server.port}` }
      return await measure({ rounds, log, order, link, filesystem, contentBytes: prepared.contentBytes })
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
  const { tarPath } = await buildRecipe(recipe, { cacheDirectory: join(defaultCacheDirectory(), 'build') })
  const key = await openSigningKey(join(work, 'keys'))
  const repository = await openRepository(join(work, 'repository'))
  const version = await importTar(repository, tarPath, { image: name, signingKey: key })
  const order = { image: name, version: version.id, imagePublicKeyPem: key.publicKeyPem }
  return { order, contentBytes: version.sizeBytes }
}

type Setting = Parameters<Benchmark['run']>[0] & {
  order: object
  link: ShapedLink
  filesystem: FreshFilesystem
  contentBytes: number
}

/** In turn: the deployment, and as many bytes written to the same kind of filesystem by one program that does only that. */
async function measure({ rounds, log, order, link, filesystem, contentBytes }: Setting) {
  const results: AgentWrote[] = []
  let agent: AgentProcess | undefined
  const program = new URL('./deploy/agent-program.ts', import.meta.url)
  const seconds = await measureInTurn(
    [
      {
        name: 'bootwright',
        prepare: async () => {
          await filesystem.make()
          agent = await AgentProcess.start({ ...order, directory: filesystem.directory }, program, link.agent.launcher)
        },
        run: async () => {
          results.push(await agent!.write())
          await filesystem.flush()
        },
        finish: () => agent!.end(),
      },
      {
        name: 'disk',
        prepare: () => filesystem.make(),
        run: async () => {
          const write = 'head -c "$1" /dev/zero | dd of="$2/bytes" bs=4M iflag=fullblock conv=fsync status=none'
          await runPipeline(write, [String(contentBytes), filesystem.directory], deadlineMs)
        },
      },
    ],
    rounds,
    log,
  )
  const fetchedBytes = median(results.map(({ bytesFetched }) => bytesFetched))
  const [took, diskSeconds] = [median(seconds.bootwright!), median(seconds.disk!)]
  const linkSeconds = (fetchedBytes * 8) / bitsPerSecond
  const share = Math.max(linkSeconds, diskSeconds) / took
  const figures = { seconds: took, linkSeconds, diskSeconds, fetchedBytes, contentBytes, shareOfBound: share }
  return { figures, goals: [judgeGoal('first deployment: share of what link and disk allow', share, '>=', 0.93)] }
}
