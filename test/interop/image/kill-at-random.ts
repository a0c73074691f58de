import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { setTimeout as after } from 'node:timers/promises'

const program = path.join(import.meta.dirname, 'upkeep-child.ts')

/** Runs the child to its end and gives how long its work took. */
export async function runWork(args: readonly string[]): Promise<number> {
  const child = await startChild(args)
  const startedAt = performance.now()
  child.stdin.write('\n')
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`${args[0]} ended with ${code}`)
  return performance.now() - startedAt
}

/** Kills the child that long after its work began. True when it had not ended by itself. */
export async function killWork(args: readonly string[], afterMs: number): Promise<boolean> {
  const child = await startChild(args)
  const ended = once(child, 'exit')
  child.stdin.write('\n')
  await Promise.race([after(afterMs), ended])
  child.kill('SIGKILL')
  const [, signal] = await ended
  return signal === 'SIGKILL'
}

async function startChild(args: readonly string[]) {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.on('error', () => undefined) // it may be gone before it reads
  await once(child.stdout, 'data')
  child.stdout.resume()
  return child
}
