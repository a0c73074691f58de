import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ProgramFailed } from '../../programs/run-program.ts'

/** Receives one subvolume into a directory of a btrfs. Throws ProgramFailed. */
export async function receiveSubvolume(stream: AsyncIterable<Buffer>, directory: string): Promise<void> {
  const args = ['receive', '-q', '-e', directory]
  const child = spawn('btrfs', args, { stdio: ['pipe', 'ignore', 'pipe'], env: { ...process.env, LC_ALL: 'C' } })
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-4000)
  })
  const ended = once(child, 'close') as Promise<[number | null]>
  const fed = pipeline(Readable.from(stream), child.stdin).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => {
      child.kill('SIGKILL')
      return error
    },
  )
  const [[code], fault] = await Promise.all([ended, fed])
  // At the stream's end command btrfs leaves, whether or not we have closed the pipe; why it ended earlier than that
  // stands in its complaint, and the broken pipe is only how we learn of it.
  if (fault && !brokenPipe.has(fault.code ?? '')) throw fault
  if (code !== 0) throw new ProgramFailed('btrfs', args, `ended with code ${code}`, complaint)
}

const brokenPipe: ReadonlySet<string> = new Set(['EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'])
