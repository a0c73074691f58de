import { type ChildProcess, spawn } from 'node:child_process'
import type { RunWork } from '../../core/errand.ts'
import type { OnBytes } from '../step-run.ts'
import type { ErrandContext } from './errand-context.ts'
import { OutputTeller } from './output-teller.ts'

const aliveEveryMs = 60_000
/** A process that was left behind may keep the script's output open for ever. */
const lastWordsMs = 2000

export type ScriptStart = {
  /** The program and its arguments. */
  command: readonly string[]
  directory: string
  /** Added to the agent's own. */
  environment: Record<string, string>
  onBytes: OnBytes
}

/**
 * Runs it in a process group of its own, so that what it starts ends with it. Gives its exit status. Throws when it does
 * not end in time, was ended by a signal, or cannot be started.
 */
export async function runScript(
  context: Pick<ErrandContext, 'order' | 'session' | 'stop'>,
  { name, timeoutSeconds }: Pick<RunWork, 'name' | 'timeoutSeconds'>,
  { command: [program, ...args], directory, environment, onBytes }: ScriptStart,
): Promise<number> {
  const teller = new OutputTeller(context)
  const child = spawn(program!, args, {
    ...{ cwd: directory, detached: true, stdio: ['ignore', 'pipe', 'pipe'] as const },
    env: { ...process.env, ...environment },
  })
  const told = tellOutput(child, teller)
  const timeout = AbortSignal.timeout(timeoutSeconds * 1000)
  const ended = AbortSignal.any([timeout, context.stop.signal])
  const killAll = () => killGroup(child)
  ended.addEventListener('abort', killAll)
  // A script may be silent for hours; the server waits for a word.
  const alive = setInterval(() => onBytes(told(), undefined), aliveEveryMs)
  try {
    const { code, signal } = await endOf(child, name)
    await teller.delivered()
    context.stop.signal.throwIfAborted()
    if (timeout.aborted) throw new Error(`${name} did not end within ${timeoutSeconds} s and was ended`)
    if (code === null) throw new Error(`${name} was ended by ${signal}`)
    return code
  } finally {
    clearInterval(alive)
    ended.removeEventListener('abort', killAll)
  }
}

/** Gives how many characters it said so far. */
function tellOutput(child: ChildProcess, teller: OutputTeller): () => number {
  let told = 0
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      told += text.length
      teller.add(text)
    })
  }
  return () => told
}

type ScriptEnd = { code: number | null; signal: NodeJS.Signals | null }

/** When it has ended, and has said its last words. */
function endOf(child: ChildProcess, name: string): Promise<ScriptEnd> {
  return new Promise((resolve, reject) => {
    child.on('error', (cause: NodeJS.ErrnoException) => reject(new Error(whyNotStarted(name, cause), { cause })))
    child.on('close', (code, signal) => resolve({ code, signal }))
    child.on('exit', (code, signal) => setTimeout(resolve, lastWordsMs, { code, signal }).unref())
  })
}

function whyNotStarted(name: string, { code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return `Cannot run ${name}: the interpreter that its first line names is not in the ramdisk`
  return `Cannot run ${name}: ${message}`
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
