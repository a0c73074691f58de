import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { Check } from 'typebox/value'
import { DecodeError } from '../../bytes/decode-error.ts'
import { ScriptReply } from '../../core/agent-protocol.ts'
import type { RunWork } from '../../core/errand.ts'
import { rebootMachine } from '../hand-over.ts'
import { say } from '../say.ts'
import { type OnBytes, runStep } from '../step-run.ts'
import type { ErrandContext, ErrandOutcome } from './errand-context.ts'
import { OutputTeller } from './output-teller.ts'

const directory = '/run/bootwright/run'
const scriptPath = `${directory}/script`
const fetchTimeoutMs = 60_000
const aliveEveryMs = 60_000

/** Fetches the operator's script, runs it, and tells what it says as it says it. */
export async function run(context: ErrandContext): Promise<ErrandOutcome> {
  const { reporter } = context
  const work = context.order.work as RunWork
  await runStep(reporter, 'fetch-script', async () => {
    const script = await fetchScript(context, work)
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await writeFile(scriptPath, script)
    await chmod(scriptPath, 0o700)
    return { value: undefined, bytesDone: Buffer.byteLength(script) }
  })
  const status = await runStep(reporter, 'run-script', async (onBytes) => ({
    value: await runScript(context, work, onBytes),
  }))
  if (status !== 0) throw new Error(`${work.name} ended with status ${status}`)
  return {
    detail: `${work.name} ended with status 0`,
    result: { status },
    ...(work.afterwards === 'reboot' && { afterwards: rebootMachine }),
  }
}

async function fetchScript({ session, stop }: ErrandContext, { url }: RunWork): Promise<string> {
  const { signal } = stop
  if (url !== undefined) {
    const answer = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(fetchTimeoutMs)]) })
    if (!answer.ok) throw new Error(`Cannot fetch ${url}: the answer is ${answer.status} ${answer.statusText}`)
    return answer.text()
  }
  const reply = await session.client.request('GET', '/agent/script', undefined, { signal, onTrouble: say })
  if (!Check(ScriptReply, reply)) throw new DecodeError('script', 'the answer has none')
  return reply.script
}

/** Gives its exit status. Throws when it does not end in time, was ended by a signal, or cannot be started. */
async function runScript(context: ErrandContext, work: RunWork, onBytes: OnBytes): Promise<number> {
  const { stop } = context
  const teller = new OutputTeller(context)
  // A group of its own, so that what the script starts ends with it.
  const child = spawn(scriptPath, work.arguments, {
    ...{ cwd: directory, detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: environmentOf(context) },
  })
  const end = (signal: NodeJS.Signals) => child.pid !== undefined && process.kill(-child.pid, signal)
  let told = 0
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      told += text.length
      teller.add(text)
    })
  }
  const timeout = AbortSignal.timeout(work.timeoutSeconds * 1000)
  const ended = AbortSignal.any([timeout, stop.signal])
  const kill = () => end('SIGKILL')
  ended.addEventListener('abort', kill)
  // A script may be silent for hours; the server waits for a word.
  const alive = setInterval(() => onBytes(told, undefined), aliveEveryMs)
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
    await teller.delivered()
    stop.signal.throwIfAborted()
    if (timeout.aborted) throw new Error(`${work.name} did not end within ${work.timeoutSeconds} s and was ended`)
    if (code === null) throw new Error(`${work.name} was ended by ${signal}`)
    return code
  } finally {
    clearInterval(alive)
    ended.removeEventListener('abort', kill)
  }
}

function environmentOf({ order, session, bootMac, doneUrl, inventory }: ErrandContext): NodeJS.ProcessEnv {
  return {
    ...process.env,
    BOOTWRIGHT_MACHINE: order.machine.name,
    BOOTWRIGHT_MAC: bootMac,
    BOOTWRIGHT_SERVER: session.client.baseUrl,
    BOOTWRIGHT_DONE_URL: doneUrl,
    BOOTWRIGHT_DISKS: JSON.stringify(inventory.disks),
  }
}
