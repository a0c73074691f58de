import { parentPort } from 'node:worker_threads'

export type PoolMessage<Job> = { kind: 'job'; number: number; job: Job } | { kind: 'close' }
export type ReplyMessage<Reply> = {
  number: number
  reply?: Reply
  failure?: { message: string; code: string | undefined }
}

/** A job's result, and the memory that goes to the asking thread with it. */
export type JobResult<Reply> = { reply: Reply; transfer?: ArrayBuffer[] }

/** The body of a worker program: answers the jobs of a WorkerPool one after the other. */
export function answerJobs<Job, Reply>(handle: (job: Job) => JobResult<Reply>): void {
  const port = parentPort
  if (!port) throw new Error('This program runs as a worker thread of a WorkerPool only')
  port.on('message', (message: PoolMessage<Job>) => {
    if (message.kind === 'close') return port.close()
    const { number, job } = message
    try {
      const { reply, transfer } = handle(job)
      port.postMessage({ number, reply } satisfies ReplyMessage<Reply>, transfer ?? [])
    } catch (error) {
      const { message, code } = error as Error & { code?: string }
      port.postMessage({ number, failure: { message, code } } satisfies ReplyMessage<Reply>)
    }
  })
}
