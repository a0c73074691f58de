import { execFile } from 'node:child_process'

/** A program that ended badly, was not there, or took too long. */
export class ProgramFailed extends Error {
  override readonly name = 'ProgramFailed'
  readonly program: string
  readonly stderr: string

  constructor(program: string, values: readonly string[], reason: string, stderr: string) {
    super(`\`${[program, ...values].join(' ')}\` failed: ${[reason, stderr.trim()].filter(Boolean).join(': ')}`)
    this.program = program
    this.stderr = stderr
  }
}

/** Runs a short program and returns what it wrote. Rejects with ProgramFailed. */
export function runProgram(program: string, values: readonly string[], timeoutMs = 10_000): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, values, { timeout: timeoutMs, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout)
      const reason = error.killed ? `it took longer than ${timeoutMs / 1000} s` : describe(error)
      reject(new ProgramFailed(program, values, reason, stderr))
    })
  })
}

function describe(error: { code?: number | string | null | undefined }): string {
  if (error.code === 'ENOENT') return 'the program is not installed'
  return typeof error.code === 'number' ? `exit code ${error.code}` : String(error.code)
}
