import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { HookEnd } from '../../core/hook-end.ts'
import { InsideRoot } from '../inside-root.ts'

export type Script = {
  /** Inside the root, where there is one. */
  path: string
  /** It runs in a chroot of this directory. */
  root?: string
  /** All of it: nothing of the agent's own is passed on. */
  environment: Readonly<Record<string, string>>
  timeoutSeconds: number
  signal: AbortSignal
  /** Of both outputs, without line end. */
  onLine: (line: string) => void
}

const longestLine = 64 * 1024
/** What was killed is gone by then, or stuck in the kernel. */
const lingerMs = 5000

/**
 * Runs a script with process and mount namespaces of its own, so that with it everything ends that it started or mounted.
 * At its deadline its process group is killed, the first process of the namespace among it. Only what busybox's unshare knows is used. Rejects when it cannot be started, and with the signal's reason.
 */
export async function runScript({ path, root, environment, timeoutSeconds, signal, onLine }: Script): Promise<HookEnd> {
  signal.throwIfAborted()
  const proc = root === undefined ? '/proc' : new InsideRoot(root).makeDirectory('/proc')
  const apart = ['--mount', '--pid', '--fork', `--mount-proc=${proc}`]
  const command = root === undefined ? [path] : ['chroot', root, path]
  const child = spawn('unshare', [...apart, ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment,
    cwd: '/',
    detached: true,
  })
  for (const stream of [child.stdout, child.stderr]) splitLines(stream, onLine)
  let isLate = false
  const deadline = setTimeout(() => {
    isLate = true
    kill(child)
  }, timeoutSeconds * 1000)
  const abort = () => kill(child)
  signal.addEventListener('abort', abort, { once: true })
  try {
    const end = await endOf(child)
    signal.throwIfAborted()
    return isLate ? { kind: 'timeout' } : end
  } finally {
    clearTimeout(deadline)
    signal.removeEventListener('abort', abort)
  }
}

function endOf(child: ChildProcess): Promise<HookEnd> {
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      const end: HookEnd = code === null ? { kind: 'killed', signal: signal ?? 'a signal' } : { kind: 'exit', code }
      const giveUp = setTimeout(() => resolve(end), lingerMs)
      child.on('close', () => {
        clearTimeout(giveUp)
        resolve(end)
      })
    })
  })
}

function kill(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error // it has just ended
  }
}

function splitLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()!
    for (const line of lines) onLine(line)
    if (rest.length <= longestLine) return
    onLine(rest)
    rest = ''
  })
  stream.on('end', () => {
    if (rest !== '') onLine(rest)
  })
}
