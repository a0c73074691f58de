import { text } from 'node:stream/consumers'
import type { JobLine } from './image-job.ts'
import { JobFailed, type RunningJob } from './image-jobs.ts'

/** Waits for a job that answers with lines, for who shows nobody its progress. Throws JobFailed. */
export async function endOf({ output }: RunningJob): Promise<void> {
  const last = (await text(output)).trimEnd().split('\n').at(-1)
  const line = JSON.parse(last || '{}') as Partial<JobLine<unknown>>
  if (line.kind === 'problem') throw new JobFailed(line.problem!)
}
