import { randomFillSync } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Benchmark, judgeGoal } from './benchmark.ts'
import { BenchNetwork } from './dhcp/network.ts'
import { median } from './measure.ts'
import { blockBytes, type Load, LoadClient, type LoadResult } from './tftp/load-client.ts'
import { type ServerName, serverNames, TftpServers } from './tftp/tftp-servers.ts'

export const name = 'tftp'
export const describe =
  'bytes a second to 1 and 64 clients, blksize 1432, with and without windowsize, beside dnsmasq and tftpd-hpa'

/** A kernel's. */
const fileBytes = 8 * 2 ** 20
const fileName = 'vmlinuz'
const loads: Record<string, Load> = {
  LockStep1: { clients: 1, windowBlocks: 1, transfersEach: 4 },
  Window1: { clients: 1, windowBlocks: 16, transfersEach: 8 },
  LockStep64: { clients: 64, windowBlocks: 1, transfersEach: 1 },
  Window64: { clients: 64, windowBlocks: 16, transfersEach: 1 },
}
const goals: Record<string, number> = { LockStep1: 0.95, Window1: 1.2, LockStep64: 1.2, Window64: 1.2 }

export const run: Benchmark['run'] = async ({ rounds, log }) => {
  const work = await mkdtemp(join(tmpdir(), 'bootwright-bench-'))
  await using network = await BenchNetwork.open()
  try {
    const files = join(work, 'files')
    await mkdir(files)
    await writeFile(join(files, fileName), randomFillSync(Buffer.alloc(fileBytes)))
    const bench = {
      servers: await TftpServers.prepare(network, files, log),
      client: await LoadClient.prepare(network, work, files),
      log,
    }
    const results: Results = {}
    for (let round = 0; round < rounds; round++) {
      for (let turn = 0; turn < serverNames.length; turn++) {
        await measure(bench, serverNames[(round + turn) % serverNames.length]!, results)
      }
    }
    return judge(results)
  } finally {
    await rm(work, { recursive: true })
  }
}

type Bench = { servers: TftpServers; client: LoadClient; log: (line: string) => void }

/** `serverMicroseconds`: of a processor, for each block. */
type Results = Record<string, (LoadResult & { serverMicroseconds: number })[]>

async function measure({ servers, client, log }: Bench, name: ServerName, results: Results) {
  await using server = await servers.start(name)
  // A service has been running for a while: its code is compiled, its buffers are there.
  for (const load of Object.values(loads)) await client.fetch(fileName, { ...load, transfersEach: 1 })
  for (const [loadName, load] of Object.entries(loads)) {
    const before = await server.processorSeconds()
    const result = await client.fetch(fileName, load)
    const blocks = (fileBytes / blockBytes) * load.clients * load.transfersEach
    const serverMicroseconds = (((await server.processorSeconds()) - before) / blocks) * 1e6
    const { bytesPerSecond, clientShare, resent } = result
    const rate = `${(bytesPerSecond / 1e6).toFixed(1)} MB/s`
    log(
      `${name}, ${loadName}: ${rate}, the client used ${(clientShare * 100).toFixed(0)} % of a core, ${resent} repeated`,
    )
    const key = `${name}${loadName}`
    results[key] = [...(results[key] ?? []), { ...result, serverMicroseconds }]
  }
  server.assertRunning()
}

function judge(results: Results): Awaited<ReturnType<Benchmark['run']>> {
  const figures: Record<string, number> = {}
  const rate = (key: string) => median(results[key]!.map(({ bytesPerSecond }) => bytesPerSecond))
  for (const key of Object.keys(results)) {
    figures[`${key}BytesPerSecond`] = rate(key)
    // tftpd-hpa's are its children's, which it does not wait for.
    if (!key.startsWith('tftpd-hpa')) {
      figures[`${key}ProcessorMicrosecondsPerBlock`] = median(results[key]!.map((result) => result.serverMicroseconds))
    }
    figures[`${key}ClientShare`] = median(results[key]!.map(({ clientShare }) => clientShare))
  }
  const judged = Object.entries(goals).map(([load, bound]) => {
    const better = Math.max(rate(`dnsmasq${load}`), rate(`tftpd-hpa${load}`))
    return judgeGoal(`${load} beside the better peer`, rate(`bootwright${load}`) / better, '>=', bound)
  })
  return { figures, goals: judged }
}
