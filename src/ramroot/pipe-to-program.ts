import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ProgramFailed } from '../programs/run-program.ts'

export type PipeOptions = {
  /** File descriptor that gets what the program writes; where not given that is thrown away. */
  output?: number
  timeoutMs: number
  signal?: AbortSignal | undefined
}

const keptErrorLength = 4096

/** Feeds a program with bytes as fast as it takes them, and waits for its end. Throws ProgramFailed, and what `input` throws. */
export async function pipeToProgram(
  program: string,
  args: readonly string[],
  input: AsyncIterable<Uint8Array>,
  { output, timeoutMs, signal }: PipeOptions,
): Promise<void> {
  const child = spawn(program, args, {
    stdio: ['pipe', output ?? 'ignore', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
    ...(signal && { signal }),
  }) as ChildProcessByStdio<Writable, null, Readable>
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-keptErrorLength)
  })
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  ended.catch(() => undefined) // met below
  const deadline = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
  const feeding = pipeline(input, child.stdin).catch((error: unknown) => {
    if (!isEarlyEnd(error)) child.kill('SIGKILL') // it would wait for the rest
    throw error
  })
  const [fed, exit] = await Promise.allSettled([feeding, ended])
  clearTimeout(deadline)
  if (exit.status === 'rejected') throw new ProgramFailed(program, args, 'could not start', '', exit.reason)
  if (fed.status === 'rejected' && !isEarlyEnd(fed.reason)) throw fed.reason
  const [code, killedBy] = exit.value
  if (killedBy) throw new ProgramFailed(program, args, `did not end within ${timeoutMs / 1000} s`, complaint)
  if (code !== 0) throw new ProgramFailed(program, args, `ended with code ${code}`, complaint)
  if (fed.status === 'rejected') throw new ProgramFailed(program, args, 'did not read all', complaint, fed.reason)
}

/** The program ended before it had read all, and says why by itself. */
function isEarlyEnd(error: unknown): boolean {
  return ['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE'].includes((error as NodeJS.ErrnoException).code ?? '')
}
