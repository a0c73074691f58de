import { execFile } from 'node:child_process'

/** An external program that could not be started, failed, or did not end by its deadline. */
export class ProgramFailed extends Error {
  override readonly name = 'ProgramFailed'
  readonly program: string
  readonly programArguments: readonly string[]
  readonly stderr: string

  constructor(program: string, programArguments: readonly string[], stderr: string, cause: Error) {
    const why = stderr.trim() || cause.message
    super(`Cannot make the ramdisk: ${program} failed: ${why}${advice(cause, program)}`, { cause })
    this.program = program
    this.programArguments = programArguments
    this.stderr = stderr
  }
}

export type RunOptions = {
  timeoutMs?: number
  directory?: string
  environment?: Record<string, string>
  signal?: AbortSignal | undefined
}

/** Runs a program to its end and gives what it printed. Throws ProgramFailed; an abort passes through as it is. */
export function runProgram(program: string, programArguments: string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      program,
      programArguments,
      {
        timeout: options.timeoutMs ?? 120_000,
        cwd: options.directory,
        env: { ...process.env, LC_ALL: 'C', ...options.environment },
        ...(options.signal ? { signal: options.signal } : {}),
        maxBuffer: 64 * 1024 * 1024,
      },
      (error, stdout, stderr) => {
        if (!error) resolve(stdout)
        else if (options.signal?.aborted) reject(error)
        else reject(new ProgramFailed(program, programArguments, stderr, error))
      },
    )
  })
}

function advice(cause: Error & { code?: unknown; killed?: boolean }, program: string): string {
  if (cause.code === 'ENOENT')
    return ` (it is not installed: bin/setup installs the Debian package that has ${program})`
  return cause.killed ? ' (it did not end by its deadline)' : ''
}
