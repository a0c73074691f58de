import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { finished } from 'node:stream/promises'
import { ProgramFailed } from '../programs/run-program.ts'

export type LoggedRunOptions = {
  input: string
  env: NodeJS.ProcessEnv
  logPath: string
  /** The longest a step may take: the time between two calls of `onLine` that answer true. */
  stepTimeoutMs: number
  /** Gets every line of both outputs; answers whether a new step began with it. */
  onLine: (line: string) => boolean
  signal?: AbortSignal | undefined
}

/** How long a program that was asked to end may take to undo its mounts before it is killed. */
const graceMs = 20_000
const lastLinesKept = 12
/** What mmdebstrap says while it undoes its mounts after a fault, which would hide the fault. */
const undoing = /^(I|W): |^umount: /

/**
 * Runs a long program with everything it prints in a log. At a step's deadline, or when the signal fires, its whole
 * process group is ended. Throws ProgramFailed with the last lines.
 */
export async function runLogged(program: string, args: readonly string[], options: LoggedRunOptions): Promise<void> {
  const log = createWriteStream(options.logPath, { flags: 'a' })
  // Its own process group, so that what it started inside the new system ends with it.
  const child = spawn(program, args, { env: options.env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
  let stopReason: string | undefined
  let killer: NodeJS.Timeout | undefined
  const stop = (reason: string) => {
    if (stopReason !== undefined) return
    stopReason = reason
    endGroup(child.pid, 'SIGTERM')
    killer = setTimeout(() => endGroup(child.pid, 'SIGKILL'), graceMs)
  }
  const deadline = setTimeout(
    () => stop(`was stopped after ${options.stepTimeoutMs / 1000} s in one step`),
    options.stepTimeoutMs,
  )
  const onAbort = () => stop('was stopped')
  options.signal?.addEventListener('abort', onAbort, { once: true })
  const lastLines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      log.write(`${line}\n`)
      if (options.onLine(line)) deadline.refresh()
      if (undoing.test(line)) return
      lastLines.push(line)
      if (lastLines.length > lastLinesKept) lastLines.shift()
    })
  }
  child.stdin.on('error', () => {})
  child.stdin.end(options.input)
  try {
    const code = await endOf(child)
    if (stopReason !== undefined) throw new ProgramFailed(program, [], stopReason, lastLines.join('\n'))
    if (code !== 0) throw new ProgramFailed(program, [], `ended with ${code}`, lastLines.join('\n'))
  } finally {
    clearTimeout(deadline)
    clearTimeout(killer)
    options.signal?.removeEventListener('abort', onAbort)
    log.end()
    await finished(log)
  }
}

function endOf(child: ReturnType<typeof spawn>): Promise<number | NodeJS.Signals> {
  return new Promise((fulfil, reject) => {
    child.on('error', (cause) => reject(new ProgramFailed(child.spawnfile, [], 'cannot be started', '', cause)))
    child.on('close', (code, killedBy) => fulfil(code ?? killedBy ?? 'SIGKILL'))
  })
}

function endGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch (error) {
    // It ended between the decision and the call.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
