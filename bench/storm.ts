import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { type Benchmark, judgeGoal } from './benchmark.ts'
import { BenchNetwork } from './dhcp/network.ts'
import { median } from './measure.ts'
import { RunningProcess } from './running-process.ts'
import type { LoadReport } from './storm/load.ts'
import type { MachineTimes } from './storm/machine-life.ts'
import { prepareSite } from './storm/prepared-site.ts'

export const name = 'storm'
export const describe =
  '1,000 simulated machines switched on at once: DHCP, TFTP, script, ramdisk, agent and an order, against the whole service'

const launcher = join(import.meta.dirname, '../bin/bootwright')
const nodeLauncher = join(import.meta.dirname, '../bin/bootwright-node')
const firstAnswers = join(import.meta.dirname, 'service/first-answers.ts')
const load = join(import.meta.dirname, 'storm/load.ts')
const machineCount = 1000
const deadlineSeconds = 420
const ticksPerSecond = 100

export const run: Benchmark['run'] = async ({ rounds, log }) => {
  const runs: Record<string, number>[] = []
  for (let round = 0; round < rounds; round++) {
    runs.push(await storm(log))
    log(JSON.stringify(runs.at(-1)))
  }
  const names = Object.keys(runs[0]!)
  const figures = Object.fromEntries(names.map((name) => [name, median(runs.map((figures) => figures[name]!))]))
  const goals = [
    judgeGoal('seconds until every machine has its script', figures.scriptMaxSeconds!, '<=', 60),
    judgeGoal('machines that gave up', figures.gaveUp!, '<=', 0),
    judgeGoal("MB of the service's memory at the most", figures.serverPeakBytes! / 1e6, '<=', 400),
  ]
  return { figures, goals }
}

async function storm(log: (line: string) => void): Promise<Record<string, number>> {
  const work = await mkdtemp(join(tmpdir(), 'bootwright-storm-'))
  await using network = await BenchNetwork.open()
  try {
    const { server, client } = network.interface
    const serve = await prepareSite(work, server, machineCount)
    await using waiting = start(
      network.enter('client', [nodeLauncher, firstAnswers, client, network.serverAddress, '02:99:00:00:00:01']),
    )
    const lines = createInterface(waiting.child.stdout!)[Symbol.asyncIterator]()
    await lines.next()
    await using service = start(network.enter('server', [launcher, ...serve]))
    service.child.stdout!.resume()
    if ((await lines.next()).done) throw new Error('the service did not answer')
    const before = await processorSeconds(service.child)
    log(`${machineCount} machines are switched on`)
    await using machines = start(
      network.enter('client', [nodeLauncher, load, client, String(machineCount), String(deadlineSeconds)]),
    )
    const report = JSON.parse(await text(machines.child.stdout!)) as LoadReport
    tellLost(report.machines, log)
    return {
      ...timesOf(report.machines),
      gaveUp: report.machines.filter(({ served }) => served === undefined).length,
      dhcpRetries: report.dhcpRetries,
      serverProcessorSeconds: (await processorSeconds(service.child)) - before,
      serverPeakBytes: await peakBytes(service.child),
      loadProcessorSeconds: report.cpuSeconds,
    }
  } finally {
    await rm(work, { recursive: true })
  }
}

function start([file, ...values]: readonly [string, ...string[]]): RunningProcess {
  return new RunningProcess(spawn(file, values, { stdio: ['ignore', 'pipe', 'inherit'] }))
}

function timesOf(machines: readonly MachineTimes[]): Record<string, number> {
  const figures: Record<string, number> = {}
  for (const what of ['address', 'loader', 'script', 'turn', 'ramdisk', 'served'] as const) {
    const sorted = machines.flatMap((machine) => machine[what] ?? []).sort((a, b) => a - b)
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
    figures[`${what}P50Seconds`] = at(0.5)
    figures[`${what}P99Seconds`] = at(0.99)
    figures[`${what}MaxSeconds`] = sorted.at(-1) ?? Number.NaN
  }
  return figures
}

function tellLost(machines: readonly MachineTimes[], log: (line: string) => void): void {
  const reasons = Map.groupBy(machines, ({ gaveUp }) => gaveUp?.replaceAll(/\d+/g, 'N'))
  for (const [reason, lost] of reasons) if (reason !== undefined) log(`${lost.length} gave up: ${lost[0]!.gaveUp}`)
}

/** Of all its threads. */
async function processorSeconds({ pid }: ChildProcess): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

async function peakBytes({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}
