import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { ProgramFailed } from '../../programs/run-program.ts'

/** A send that gives nothing for so long is stuck: walking a large parent takes the longest. */
const silenceMs = 600_000

/** What `btrfs send` writes, whole or against a parent. Throws ProgramFailed. */
export async function* sendSubvolume(
  subvolume: string,
  parent: string | undefined,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  const args = ['send', '-q', '--proto', '1', ...(parent === undefined ? [] : ['-p', parent]), subvolume]
  const child = spawn('btrfs', args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C' } })
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  const complaint = readText(child.stderr)
  for (const promise of [ended, complaint]) promise.catch(() => undefined)
  const stop = () => child.kill('SIGKILL')
  signal?.addEventListener('abort', stop)
  const watch = setTimeout(stop, silenceMs)
  try {
    for await (const part of child.stdout) {
      watch.refresh()
      yield part as Buffer
    }
    const [code, killedBy] = await ended
    signal?.throwIfAborted()
    if (code !== 0) {
      const reason = killedBy === null ? `ended with code ${code}` : `gave nothing for ${silenceMs / 1000} s`
      throw new ProgramFailed('btrfs', args, reason, await complaint)
    }
  } finally {
    clearTimeout(watch)
    signal?.removeEventListener('abort', stop)
    stop()
  }
}

async function readText(stream: Readable): Promise<string> {
  let text = ''
  for await (const part of stream) if (text.length < 4000) text += part
  return text
}
