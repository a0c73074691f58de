import { parentPort, workerData } from 'node:worker_threads'
import { openRepository } from '../image/repository.ts'
import type { FromJob, ImageJob, JobSetup } from './image-job.ts'
import { JobOutput } from './job-output.ts'
import { problemOf } from './problem.ts'
import { runImageJob } from './run-image-job.ts'

/* The program of a job's thread (image-jobs.ts is its other end). It ends when the job does. */

const port = parentPort
if (!port) throw new Error('This program runs as a thread of the service only')
const tell = (message: FromJob) => port.postMessage(message)
const { job, setup } = workerData as { job: ImageJob; setup: JobSetup }
const output = new JobOutput(port)
try {
  const repository = await openRepository(setup.imageDirectory)
  await runImageJob(job, { repository, setup, output, tellSize: (sizeBytes) => tell({ kind: 'size', sizeBytes }) })
  tell({ kind: 'done' })
} catch (error) {
  if (!output.signal.aborted) await tellFailure(error as Error)
} finally {
  port.close()
}

async function tellFailure(error: Error): Promise<void> {
  const problem = problemOf(error)
  if (problem.status >= 500) tell({ kind: 'fault', stack: error.stack ?? error.message })
  // Who asked runs this service: the reason is theirs to read.
  const told = { ...problem, detail: error.message }
  if (job.kind === 'export') return tell({ kind: 'failed', problem: told })
  await output.line({ kind: 'problem', problem: told }).catch(() => undefined) // the reader left
  tell({ kind: 'done' })
}
