import { spawn } from 'node:child_process'

export type RunOptions = {
  timeoutMs: number
  input?: string
  env?: NodeJS.ProcessEnv
  signal?: AbortSignal | undefined
}

/** A program that could not be started, was stopped at its deadline, or ended with another code than 0. */
export class ProgramFailed extends Error {
  override readonly name = 'ProgramFailed'
  readonly program: string
  readonly stderr: string

  constructor(program: string, reason: string, stderr: string, cause?: unknown) {
    const said = stderr.trim().split('\n').slice(-3).join(' | ')
    super(`${program} ${reason}${said && `: ${said}`}`, { cause })
    this.program = program
    this.stderr = stderr
  }
}

/** For short programs: collects what they print. Throws ProgramFailed. */
export function runProgram(program: string, args: readonly string[], options: RunOptions) {
  const signal = AbortSignal.any([AbortSignal.timeout(options.timeoutMs), ...(options.signal ? [options.signal] : [])])
  return new Promise<{ stdout: string; stderr: string }>((fulfil, reject) => {
    const child = spawn(program, args, { signal, killSignal: 'SIGKILL', env: options.env ?? process.env })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout.on('data', (bytes: Buffer) => stdout.push(bytes))
    child.stderr.on('data', (bytes: Buffer) => stderr.push(bytes))
    // A program that ends without reading is told by its exit code.
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
    const said = () => Buffer.concat(stderr).toString('utf8')
    child.on('error', (cause) => {
      const late = options.signal?.aborted ? 'was stopped' : `did not end within ${options.timeoutMs / 1000} s`
      reject(new ProgramFailed(program, signal.aborted ? late : `cannot be started (${cause.message})`, said(), cause))
    })
    child.on('close', (code, killedBy) => {
      if (code === 0) fulfil({ stdout: Buffer.concat(stdout).toString('utf8'), stderr: said() })
      else reject(new ProgramFailed(program, `ended with ${killedBy ?? `code ${code}`}`, said()))
    })
  })
}
