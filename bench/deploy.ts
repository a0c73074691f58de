import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildRecipe } from '../src/build/build-recipe.ts'
import { readRecipe } from '../src/build/read-recipe.ts'
import { importTar } from '../src/image/import-tar.ts'
import { openRepository } from '../src/image/repository.ts'
import { openSigningKey } from '../src/image/signing-key.ts'
import { defaultCacheDirectory } from '../src/ramdisk/build-ramdisk.ts'
import { type Benchmark, judgeGoal } from './benchmark.ts'
import { AgentProcess, type AgentWrote } from './deploy/agent-process.ts'
import { FreshFilesystem } from './deploy/fresh-filesystem.ts'
import { serveContent } from './deploy/serve-content.ts'
import { measureInTurn, median } from './measure.ts'
import { runPipeline } from './peer.ts'

export const name = 'deploy'
export const describe =
  'fetch, check and unpack a Debian tree onto a fresh ext4, beside curl | zstd -d | tar -x of the same tree (needs root)'

const recipe = join(import.meta.dirname, '../recipes/debian-minimal.yaml')
const deadlineMs = 300_000
const goalRatio = 1.1

export const run: Benchmark['run'] = async ({ rounds, log }) => {
  const work = await mkdtemp(join(tmpdir(), 'bootwright-bench-'))
  const stop = new AbortController()
  await using filesystem = new FreshFilesystem(work)
  try {
    const prepared = await prepare(work, log)
    const server = await serveContent(work, stop.signal)
    const results: AgentWrote[] = []
    const ours = async (agent: AgentProcess) => {
      results.push(await agent.write())
      await filesystem.flush()
    }
    let agent: AgentProcess | undefined
    const seconds = await measureInTurn(
      [
        {
          name: 'bootwright',
          prepare: async () => {
            await agent?.end()
            await filesystem.make()
            agent = await AgentProcess.start({
              ...prepared.order,
              baseUrl: server.baseUrl,
              directory: filesystem.directory,
            })
          },
          run: () => ours(agent!),
        },
        {
          name: 'tar',
          prepare: () => filesystem.make(),
          run: async () => {
            const pipeline =
              'curl -sSf "$1" | zstd -dc | tar -x --xattrs --xattrs-include="*" --numeric-owner -p -C "$2"'
            await runPipeline(
              pipeline,
              [`${server.baseUrl}/ramdisk/bench/tree.tar.zst`, filesystem.directory],
              deadlineMs,
            )
            await filesystem.flush()
          },
        },
      ],
      rounds,
      log,
    )
    await agent?.end()
    const verifySeconds = await verifyOnce({ prepared, baseUrl: server.baseUrl, filesystem })
    for (const { bytesWritten } of results) {
      if (bytesWritten !== prepared.contentBytes)
        throw new Error(`${bytesWritten} of ${prepared.contentBytes} bytes were written`)
    }
    const [bootwrightSeconds, tarSeconds] = [median(seconds.bootwright!), median(seconds.tar!)]
    const ratio = bootwrightSeconds / tarSeconds
    const figures = {
      bootwrightSeconds,
      tarSeconds,
      ratio,
      bootwrightCpuSeconds: median(results.map(({ cpuSeconds }) => cpuSeconds)),
      readBackSeconds: verifySeconds,
      contentBytes: prepared.contentBytes,
      fetchedBytes: results[0]!.bytesFetched,
      tarFetchedBytes: prepared.tarBytes,
    }
    return { figures, goals: [judgeGoal('time beside tar, every byte checked', ratio, '<=', goalRatio)] }
  } finally {
    stop.abort()
    await filesystem[Symbol.asyncDispose]()
    await rm(work, { recursive: true, force: true })
  }
}

/** The recipe's tree twice: as a version in a repository, and as the tar that an operator would serve. */
async function prepare(work: string, log: (line: string) => void) {
  log('building or finding the image')
  const { tarPath } = await buildRecipe(await readRecipe(recipe), {
    cacheDirectory: join(defaultCacheDirectory(), 'build'),
  })
  await mkdir(join(work, 'ramdisk/bench'), { recursive: true })
  const tarFile = join(work, 'ramdisk/bench/tree.tar.zst')
  await runPipeline('zstd -q -3 -T0 -c "$1" > "$2"', [tarPath, tarFile], deadlineMs)
  const key = await openSigningKey(join(work, 'keys'))
  const repository = await openRepository(join(work, 'repository'))
  const version = await importTar(repository, tarPath, { image: name, signingKey: key })
  log(`version ${version.id.slice(0, 12)}: ${version.entries} entries, ${version.sizeBytes} bytes`)
  return {
    order: { image: name, version: version.id, imagePublicKeyPem: key.publicKeyPem },
    contentBytes: version.sizeBytes,
    tarBytes: (await stat(tarFile)).size,
  }
}

/** The agent's verify step, which is no part of the ratio: the peer has nothing like it. */
async function verifyOnce({
  prepared,
  baseUrl,
  filesystem,
}: {
  prepared: Awaited<ReturnType<typeof prepare>>
  baseUrl: string
  filesystem: FreshFilesystem
}): Promise<number> {
  await filesystem.make()
  const agent = await AgentProcess.start({ ...prepared.order, baseUrl, directory: filesystem.directory })
  try {
    await agent.write()
    await filesystem.flush()
    const startedAt = performance.now()
    await agent.verify()
    return (performance.now() - startedAt) / 1000
  } finally {
    await agent.end()
  }
}
