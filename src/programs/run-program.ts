import { type ChildProcess, spawn } from 'node:child_process'

/** An external program that ended badly, could not start, or did not end in time. */
export class ProgramFailed extends Error {
  override readonly name = 'ProgramFailed'
  readonly program: string
  readonly programArguments: readonly string[]
  readonly stderr: string

  constructor(program: string, programArguments: readonly string[], reason: string, stderr = '', cause?: unknown) {
    const said = stderr.trim() === '' ? '' : `: ${stderr.trim()}`
    super(`"${[program, ...programArguments].join(' ')}" ${reason}${said}`, { cause })
    this.program = program
    this.programArguments = programArguments
    this.stderr = stderr
  }
}

export type RunOptions = {
  /** Two minutes where not given. */
  timeoutMs?: number | undefined
  /** Written to the program's standard input, which is then closed. */
  input?: string | undefined
  /** Added to this process's environment. */
  environment?: Record<string, string> | undefined
  /** Working directory. */
  directory?: string | undefined
  signal?: AbortSignal | undefined
}

const defaultTimeoutMs = 120_000
const maximumOutputLength = 64 * 1024 * 1024
const keptErrorLength = 4096

/**
 * Runs a program and gives its standard output, UTF-8. Throws ProgramFailed with the end of what it wrote to stderr
 * when it does not end with 0, or not by its deadline; its cause is the signal's reason where that stopped it.
 */
export async function runProgram(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  options.signal?.throwIfAborted()
  // LC_ALL: messages go into reports and some output is parsed.
  const child = spawn(program, args, {
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C', ...options.environment },
    cwd: options.directory,
  })
  const output = collect(child)
  child.stdin?.on('error', () => {}) // a program that ends before it has read all says why on stderr
  child.stdin?.end(options.input)
  const end = await ended(child, options)
  if (end.kind === 'exit' && end.code === 0) return output.stdout()
  throw new ProgramFailed(program, args, describeEnd(end), output.stderr(), causeOf(end, options))
}

type End =
  | { kind: 'exit'; code: number | null; killedBy: NodeJS.Signals | null }
  | { kind: 'error'; error: NodeJS.ErrnoException }
  | { kind: 'timeout'; timeoutMs: number }
  | { kind: 'aborted' }

/** Does not wait for a program stuck in the kernel: at the deadline it is killed and left behind. */
function ended(child: ChildProcess, { timeoutMs = defaultTimeoutMs, signal }: RunOptions): Promise<End> {
  return new Promise((resolve) => {
    const finish = (end: End) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      if (end.kind === 'timeout' || end.kind === 'aborted') {
        child.kill('SIGKILL')
        child.stdout?.destroy()
        child.stderr?.destroy()
        child.unref()
      }
      resolve(end)
    }
    const abort = () => finish({ kind: 'aborted' })
    const timer = setTimeout(() => finish({ kind: 'timeout', timeoutMs }), timeoutMs)
    signal?.addEventListener('abort', abort)
    child.on('error', (error) => finish({ kind: 'error', error }))
    child.on('close', (code, killedBy) => finish({ kind: 'exit', code, killedBy }))
  })
}

function describeEnd(end: End): string {
  switch (end.kind) {
    case 'exit':
      return end.killedBy === null ? `ended with code ${end.code}` : `was killed by ${end.killedBy}`
    case 'error':
      return end.error.code === 'ENOENT' ? 'is not on this machine' : `could not start (${end.error.message})`
    case 'timeout':
      return `did not end within ${end.timeoutMs / 1000} s`
    case 'aborted':
      return 'was stopped'
  }
}

function causeOf(end: End, { signal }: RunOptions): unknown {
  if (end.kind === 'aborted') return signal?.reason
  return end.kind === 'error' ? end.error : undefined
}

function collect(child: ChildProcess): { stdout(): string; stderr(): string } {
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    if (stdout.length > maximumOutputLength) child.kill('SIGKILL')
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-keptErrorLength)
  })
  return { stdout: () => stdout, stderr: () => stderr }
}
