import type { FastifyReply } from 'fastify'
import type { ImageJob } from './image-job.ts'
import type { ImageShelf } from './image-shelf.ts'

/** Answers with a job's lines as it goes; who closes the connection stops it. Throws NotReady. */
export function sendJob(images: ImageShelf, reply: FastifyReply, job: ImageJob): FastifyReply {
  const { output } = images.start(job)
  reply.raw.once('close', () => output.destroy())
  return reply.type('application/x-ndjson').header('cache-control', 'no-store').send(output)
}
