import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Tally } from './tally.ts'

const timeoutMs = 5 * 60_000

/** A check that is a program: one test, passed when it exits with 0. */
export async function runCheck(name: string, program: string, args: readonly string[], tally: Tally): Promise<void> {
  const startedAt = performance.now()
  const output: Buffer[] = []
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs, killSignal: 'SIGKILL' })
  child.stdout.on('data', (bytes: Buffer) => output.push(bytes))
  child.stderr.on('data', (bytes: Buffer) => output.push(bytes))
  let ending: string
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
    ending = code === 0 ? '' : `ended with ${signal ?? `code ${code}`}`
  } catch (error) {
    ending = `cannot be started: ${(error as Error).message}`
  }
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  process.stdout.write(`${ending === '' ? '✔' : '✖'} static   ${name}  ${seconds} s\n`)
  if (ending === '') tally.pass()
  else {
    const said = Buffer.concat(output).toString('utf8').trim()
    tally.fail({ stage: 'static', name, detail: `${program} ${args.join(' ')} ${ending}\n${said}` })
  }
}
