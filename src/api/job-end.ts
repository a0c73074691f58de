import { text } from 'node:stream/consumers'
import type { JobLine } from './image-job.ts'
import { JobFailed, type RunningJob } from './image-jobs.ts'

/** Waits for a job that answers with lines, for who shows nobody its progress, and gives its result. Throws JobFailed. */
export async function resultOf<Result>({ output }: RunningJob): Promise<Result> {
  const last = (await text(output)).trimEnd().split('\n').at(-1)
  const line = JSON.parse(last ?? '') as JobLine<Result>
  if (line.kind === 'problem') throw new JobFailed(line.problem)
  if (line.kind !== 'result') throw new Error(`The job ended with a line of the kind ${line.kind}`)
  return line.result
}
