import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { ProgramFailed } from '../../programs/run-program.ts'

/** Lines that a program writes, as they come: there may be more than fit into a text. Throws ProgramFailed. */
export async function* readProgramLines(
  program: string,
  args: readonly string[],
  timeoutMs: number,
): AsyncGenerator<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C' } })
  const ended = once(child, 'close') as Promise<[number | null]>
  ended.catch(() => undefined) // a program that is not there: met below
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-4000)
  })
  const deadline = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
  try {
    yield* createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY })
    const [code] = await ended
    if (code === null) throw new ProgramFailed(program, args, `did not end within ${timeoutMs / 1000} s`, complaint)
    if (code !== 0) throw new ProgramFailed(program, args, `ended with code ${code}`, complaint)
  } finally {
    clearTimeout(deadline)
    child.kill('SIGKILL')
  }
}
