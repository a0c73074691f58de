import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkRack, RackUnavailable } from '../../rack/check-rack.ts'
import { enterRack, withoutUserNamespace } from '../../rack/namespace.ts'
import { ProgressBar } from '../progress-bar.ts'
import { formatEvent } from '../timeline-text.ts'
import type { CaseResult } from './case.ts'
import type { ListedCase } from './list-cases.ts'
import type { RackMessage, RackTask } from './rack-message.ts'
import { arm64Supplies, type OwnImage, prepareSupplies, type RackSupplies } from './supplies.ts'

export type CaseRun = {
  cases: readonly ListedCase[]
  /** One line for people. */
  log: (line: string) => void
  onResult?: (result: CaseResult) => void
  /** Keeps disks, logs and captures of cases that passed, too. */
  keep?: boolean
  signal?: AbortSignal
  /** Deployed in place of the trial's. */
  own?: OwnImage
}

/** Eight machines at once starve each other; two lanes are quickest. */
const lanes = 2
const longestMinutesOfMost = 20
const inside = join(import.meta.dirname, 'run-case-inside.ts')
const diskFile = /\.(qcow2|raw|fd)$/

/** Runs rack cases, two at a time, each in a rack of its own. Rejects with RackUnavailable. */
export async function runCases(run: CaseRun): Promise<CaseResult[]> {
  const check = await checkRack()
  if (check.kind === 'unavailable') throw new RackUnavailable(check.missing)
  const supplies = await prepareSupplies(new ProgressBar(), run.signal, run.own)
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-rack-'))
  const waiting = [...run.cases]
  const results: CaseResult[] = []
  const lane = async () => {
    for (let next = waiting.shift(); next && !run.signal?.aborted; next = waiting.shift()) {
      const result = await runCase(next, { run, supplies, directory, namespaces: check.namespaces })
      results.push(result)
      run.onResult?.(result)
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  if ((await readdir(directory)).length === 0) await rm(directory, { recursive: true })
  return results
}

type Surroundings = { run: CaseRun; supplies: RackSupplies; directory: string; namespaces: readonly string[] }

async function runCase(listed: ListedCase, around: Surroundings): Promise<CaseResult> {
  const { run, supplies, namespaces } = around
  const directory = join(around.directory, listed.name)
  await mkdir(directory)
  const log = (line: string) => run.log(`[${listed.name}] ${line}`)
  log(`begins: ${listed.describe}`)
  const result = await resultOf(listed, { directory, supplies, namespaces, log, signal: run.signal })
  if (result.ok) {
    log(`passed in ${result.secondsTotal} s`)
    if (!run.keep) await rm(directory, { recursive: true, force: true })
    return result
  }
  if (!run.keep) await removeDisks(directory)
  log(`failed: ${result.failure}\n  logs and captures: ${directory}`)
  return { ...result, artifacts: directory }
}

type CasePlace = Pick<Surroundings, 'supplies' | 'namespaces' | 'directory'> & {
  log: (line: string) => void
  signal: AbortSignal | undefined
}

/** What becomes of one case is never the others' concern: it has a result, however it ends. */
async function resultOf(listed: ListedCase, place: CasePlace): Promise<CaseResult> {
  const startedAt = performance.now()
  const seconds = () => Math.round((performance.now() - startedAt) / 100) / 10
  const failed = (failure: string) => ({ case: listed.name, ok: false, secondsTotal: seconds(), failure })
  let { supplies } = place
  try {
    if (listed.architecture === 'arm64') supplies = await arm64Supplies(supplies, place)
    await listed.prepare?.(supplies, place.log)
  } catch (error) {
    return failed(`it could not be prepared: ${(error as Error).message}`)
  }
  if (listed.buildsImages && process.geteuid?.() !== 0) return failed('it builds images in the rack: run it as root')
  const task: RackTask = { directory: place.directory, supplies, casePath: listed.path }
  const namespaces = listed.buildsImages ? withoutUserNamespace(place.namespaces) : place.namespaces
  const rack = enterRack({ module: inside, arguments: [JSON.stringify(task)], namespaces })
  const outcome = await awaitRack(rack, listed.longestMinutes ?? longestMinutesOfMost, place)
  return outcome.kind === 'result' ? outcome.result : failed(outcome.reason)
}

type RackOutcome = { kind: 'result'; result: CaseResult } | { kind: 'ended'; reason: string }

async function awaitRack(rack: ChildProcess, longestMinutes: number, { log, signal }: CasePlace): Promise<RackOutcome> {
  let result: CaseResult | undefined
  let ending = 'the process in the rack ended without a result'
  rack.on('message', (message: RackMessage) => {
    if (message.kind === 'log') log(message.line)
    else if (message.kind === 'event' && message.event.sequence > 0) log(formatEvent(message.event, message.machine))
    else if (message.kind === 'result') result = message.result
  })
  const end = (reason: string) => {
    ending = reason
    rack.kill('SIGKILL')
  }
  const timer = setTimeout(() => end(`it took longer than ${longestMinutes} minutes`), longestMinutes * 60_000)
  const interrupt = () => end('it was interrupted')
  signal?.addEventListener('abort', interrupt)
  await once(rack, 'exit')
  clearTimeout(timer)
  signal?.removeEventListener('abort', interrupt)
  return result ? { kind: 'result', result } : { kind: 'ended', reason: ending }
}

/** A failed case is explained by its logs and captures; its disks are only large. */
async function removeDisks(directory: string): Promise<void> {
  const files = (await readdir(directory)).filter((name) => diskFile.test(name))
  await Promise.all(files.map((name) => rm(join(directory, name))))
}
