import { randomFillSync } from 'node:crypto'
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packTargetBytes } from '../src/image/pack-format.ts'
import { dropCachedFile } from '../src/linux/page-cache.ts'
import { type Benchmark, judgeGoal } from './benchmark.ts'
import { measureInTurn, median } from './measure.ts'
import { runPipeline } from './peer.ts'
import { fetchPeer } from './peer-program.ts'
import { ServerProcess } from './serve/server-process.ts'

export const name = 'serve'
export const describe =
  "packs over HTTP to 1 and 64 clients, from memory and from the disk, beside nginx's sendfile of the same bytes"

const packCount = 16
const clientCounts = [1, 64] as const
const states = ['warm', 'cold'] as const
/** Every client fetches whole packs; this is enough for a second of each server. */
const packsPerRun = 64
const deadlineMs = 600_000
const goalRatio = 0.8

export const run: Benchmark['run'] = async ({ rounds, log }) => {
  const work = await mkdtemp(join(tmpdir(), 'bootwright-bench-'))
  const servers: Record<string, ServerProcess> = {}
  try {
    const packs = await makePacks(join(work, 'images'))
    servers.bootwright = await ServerProcess.bootwright(join(work, 'images'))
    const nginx = await fetchPeer('nginx', 'usr/sbin/nginx', log)
    servers.nginx = await ServerProcess.nginx(nginx, join(work, 'images'), join(work, 'nginx'))
    const figures: Record<string, number> = { bytesPerRun: packsPerRun * packTargetBytes }
    const goals = []
    // A service has been running for a while: its code is compiled, its buffers are there.
    for (const server of Object.values(servers)) await fetchPacks(server.port, packs, Math.max(...clientCounts))
    for (const state of states) {
      for (const clients of clientCounts) {
        const rates = await measure({ servers, packs, state, clients, rounds, log })
        for (const [server, { perCore, perSecond }] of Object.entries(rates)) {
          figures[`${server}${titleOf(state)}${clients}BytesPerCoreSecond`] = perCore
          figures[`${server}${titleOf(state)}${clients}BytesPerSecond`] = perSecond
        }
        const ratio = rates.bootwright!.perCore / rates.nginx!.perCore
        goals.push(judgeGoal(`bytes per core beside nginx, ${state}, ${clients} clients`, ratio, '>=', goalRatio))
      }
    }
    return { figures, goals }
  } finally {
    for (const server of Object.values(servers)) await server.end()
    await rm(work, { recursive: true })
  }
}

type Rates = { perCore: number; perSecond: number }

async function measure({
  servers,
  packs,
  state,
  clients,
  rounds,
  log,
}: {
  servers: Record<string, ServerProcess>
  packs: readonly string[]
  state: 'warm' | 'cold'
  clients: number
  rounds: number
  log: (line: string) => void
}): Promise<Record<string, Rates>> {
  const cpuSeconds: Record<string, number[]> = {}
  const contenders = Object.entries(servers).map(([name, server]) => {
    let before = 0
    return {
      name,
      prepare: async () => {
        await (state === 'warm' ? readAll(packs) : dropAll(packs))
        before = await server.cpuSeconds()
      },
      run: () => fetchPacks(server.port, packs, clients),
      finish: async () => {
        const taken = (await server.cpuSeconds()) - before
        cpuSeconds[name] = [...(cpuSeconds[name] ?? []), taken]
        log(`${state}, ${clients} clients: ${name} ${taken.toFixed(2)} s of processor`)
      },
    }
  })
  const seconds = await measureInTurn(contenders, rounds, log)
  const bytes = packsPerRun * packTargetBytes
  const rateOf = (name: string) => ({
    perCore: bytes / median(cpuSeconds[name]!),
    perSecond: bytes / median(seconds[name]!),
  })
  return Object.fromEntries(Object.keys(servers).map((name) => [name, rateOf(name)]))
}

/** Each client in a connection of its own, as long as there are packs. */
async function fetchPacks(port: number, packs: readonly string[], clients: number): Promise<void> {
  const names = Array.from({ length: packsPerRun }, (_, at) => packs[at % packs.length]!.split('/').at(-1))
  const urls = names.map((name) => `url = "http://127.0.0.1:${port}/packs/${name}"\noutput = "/dev/null"\n`).join('')
  const line =
    'printf %s "$1" | curl --silent --show-error --fail --parallel --parallel-max "$2" --parallel-immediate --config -'
  await runPipeline(line, [urls, String(clients)], deadlineMs)
}

/** Files named like packs; to who serves them bytes are bytes. */
async function makePacks(imageDirectory: string): Promise<string[]> {
  await mkdir(join(imageDirectory, 'packs'), { recursive: true })
  const bytes = randomFillSync(Buffer.allocUnsafe(packTargetBytes))
  const packs = Array.from({ length: packCount }, (_, at) =>
    join(imageDirectory, 'packs', `${at.toString(16).padStart(64, '0')}.pack`),
  )
  for (const pack of packs) {
    await using handle = await open(pack, 'wx')
    await handle.writeFile(bytes)
    await handle.sync()
  }
  return packs
}

async function readAll(packs: readonly string[]): Promise<void> {
  await runPipeline('cat "$@" > /dev/null', packs, deadlineMs)
}

async function dropAll(packs: readonly string[]): Promise<void> {
  for (const pack of packs) {
    await using handle = await open(pack)
    dropCachedFile(handle.fd)
  }
}

function titleOf(text: string): string {
  return `${text[0]!.toUpperCase()}${text.slice(1)}`
}
