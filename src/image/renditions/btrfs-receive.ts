import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { ProgramFailed } from '../../programs/run-program.ts'

/** After the last byte of the stream, or one that it does not take: a commit of a large filesystem takes the longest. */
const silenceMs = 600_000

/**
 * Receives one subvolume into a directory of a btrfs; takes no more of the stream than btrfs does, and is done with a piece
 * when it asks for the next. What stops it before the end leaves half a subvolume behind. Throws ProgramFailed, the
 * signal's reason, and what the stream throws.
 */
export async function receiveSubvolume(
  stream: AsyncIterable<Buffer>,
  directory: string,
  signal?: AbortSignal,
): Promise<void> {
  const args = ['receive', '-q', '-e', directory]
  signal?.throwIfAborted()
  const child = spawn('btrfs', args, { stdio: ['pipe', 'ignore', 'pipe'], env: { ...process.env, LC_ALL: 'C' } })
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-4000)
  })
  const watch = new Watch(() => child.kill('SIGKILL'))
  const stop = () => child.kill('SIGKILL')
  signal?.addEventListener('abort', stop)
  const ended = once(child, 'close') as Promise<[number | null]>
  const fed = feed(child.stdin, stream, watch).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => {
      stop()
      return error
    },
  )
  try {
    const [[code], fault] = await Promise.all([ended, fed])
    signal?.throwIfAborted()
    // At the stream's end command btrfs leaves, whether or not we have closed the pipe; why it ended earlier than that
    // stands in its complaint, and the broken pipe is only how we learn of it.
    if (fault && !brokenPipe.has(fault.code ?? '')) throw fault
    const reason = watch.isOver ? `took nothing for ${silenceMs / 1000} s` : `ended with code ${code}`
    if (code !== 0) throw new ProgramFailed('btrfs', args, reason, complaint)
  } finally {
    watch.end()
    signal?.removeEventListener('abort', stop)
  }
}

async function feed(pipe: Writable, stream: AsyncIterable<Buffer>, watch: Watch): Promise<void> {
  pipe.on('error', () => undefined) // each write learns of it
  for await (const piece of stream) {
    watch.begin()
    await new Promise<void>((resolve, reject) => pipe.write(piece, (error) => (error ? reject(error) : resolve())))
    watch.end()
  }
  watch.begin()
  pipe.end()
}

const brokenPipe: ReadonlySet<string> = new Set(['EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED'])

/** Tells when the program takes nothing any more. While the stream has nothing to give, its own deadlines count. */
class Watch {
  isOver = false
  readonly #stop: () => void
  #timer: NodeJS.Timeout | undefined

  constructor(stop: () => void) {
    this.#stop = stop
  }

  begin(): void {
    this.#timer = setTimeout(() => {
      this.isOver = true
      this.#stop()
    }, silenceMs)
  }

  end(): void {
    clearTimeout(this.#timer)
  }
}
