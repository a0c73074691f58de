import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Benchmark, judgeGoal } from './benchmark.ts'
import { BenchNetwork } from './dhcp/network.ts'
import { type Exchanges, Perfdhcp } from './dhcp/perfdhcp.ts'
import { median } from './measure.ts'
import { RunningProcess } from './running-process.ts'
import { fillState, knownClient } from './service/filled-state.ts'
import { makeSaturatingFiles, Saturation } from './service/saturation.ts'

export const name = 'service'
export const describe =
  'the whole service with 10,000 machines and 50,000 leases: start to first answers, memory, DHCP while HTTP and TFTP are saturated'

const launcher = join(import.meta.dirname, '../bin/bootwright')
const nodeLauncher = join(import.meta.dirname, '../bin/bootwright-node')
const firstAnswers = join(import.meta.dirname, 'service/first-answers.ts')
const exchangeRate = 1000
const exchangeSeconds = 4

export const run: Benchmark['run'] = async ({ rounds, log }) => {
  const work = await mkdtemp(join(tmpdir(), 'bootwright-bench-'))
  await using network = await BenchNetwork.open()
  try {
    const perfdhcp = await Perfdhcp.prepare(network, log)
    const serve = await fillState(work, network.interface.server)
    await makeSaturatingFiles(join(work, 'files'))
    log('10,000 machines and 50,000 leases are there')
    // The very first start of an installation compiles; measured are those that follow.
    await measure(network, perfdhcp, serve)
    const runs: Round[] = []
    for (let round = 0; round < rounds; round++) {
      runs.push(await measure(network, perfdhcp, serve))
      log(JSON.stringify(runs.at(-1)))
    }
    const middle = (of: (each: Round) => number) => median(runs.map(of))
    const figures = {
      firstOfferSeconds: middle(({ offerSeconds }) => offerSeconds),
      firstHttpAnswerSeconds: middle(({ httpSeconds }) => httpSeconds),
      startedBytes: middle(({ startedBytes }) => startedBytes),
      workedBytes: middle(({ workedBytes }) => workedBytes),
      saturatedP99DelayMs: middle(({ exchanges }) => exchanges.p99Ms ?? Number.NaN),
      saturatedLossRatio: middle(({ exchanges }) => exchanges.lossRatio),
      httpBytesPerSecond: middle(({ httpBytes }) => httpBytes / exchangeSeconds),
      tftpBytesPerSecond: middle(({ tftpBytes }) => tftpBytes / exchangeSeconds),
    }
    const goals = [
      judgeGoal('seconds to the first offer', figures.firstOfferSeconds, '<=', 1),
      judgeGoal('seconds to the first HTTP answer', figures.firstHttpAnswerSeconds, '<=', 1),
      judgeGoal('MB of memory after all of it', figures.workedBytes / 1e6, '<=', 250),
      judgeGoal('p99 delay in ms at 1,000/s, HTTP and TFTP saturated', figures.saturatedP99DelayMs, '<=', 50),
      judgeGoal('loss at 1,000/s, HTTP and TFTP saturated', figures.saturatedLossRatio, '<=', 0.01),
    ]
    return { figures, goals }
  } finally {
    await rm(work, { recursive: true })
  }
}

type Round = {
  offerSeconds: number
  httpSeconds: number
  startedBytes: number
  workedBytes: number
  exchanges: Exchanges
  httpBytes: number
  tftpBytes: number
}

function start([file, ...values]: readonly [string, ...string[]]): RunningProcess {
  return new RunningProcess(spawn(file, values, { stdio: ['ignore', 'pipe', 'inherit'] }))
}

async function measure(network: BenchNetwork, perfdhcp: Perfdhcp, serve: readonly string[]): Promise<Round> {
  const { client } = network.interface
  const asking = [nodeLauncher, firstAnswers, client, network.serverAddress, knownClient]
  await using waiting = start(network.inside('client', asking))
  const lines = createInterface(waiting.child.stdout!)[Symbol.asyncIterator]()
  await lines.next()
  const startedAt = performance.timeOrigin + performance.now()
  await using service = start(network.inside('server', [launcher, ...serve]))
  service.child.stdout?.resume()
  const { offeredAt, httpAt } = JSON.parse((await lines.next()).value ?? '{}') as { offeredAt: number; httpAt: number }
  const startedBytes = await residentBytes(service.child.pid!)
  await perfdhcp.warmUp()
  await using saturation = new Saturation(network)
  const exchanges = await perfdhcp.exchange(exchangeRate, exchangeSeconds, true)
  const { http, tftp } = saturation.fetchedBytes
  const workedBytes = await residentBytes(service.child.pid!)
  return {
    ...{ offerSeconds: (offeredAt - startedAt) / 1000, httpSeconds: (httpAt - startedAt) / 1000 },
    ...{ startedBytes, workedBytes, exchanges, httpBytes: http, tftpBytes: tftp },
  }
}

/** All threads are of one process; what its programs are made of (shared pages of files) is counted too. */
async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}
