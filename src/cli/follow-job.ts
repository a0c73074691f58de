import type { JobLine } from '../api/image-job.ts'
import { oneLine } from '../core/one-line.ts'
import { type Client, ServiceError } from './client.ts'
import { ProgressBar } from './progress-bar.ts'

/** Shows the progress of a job on stderr and gives its result. Throws ServiceError with what the job failed of. */
export async function followJob<Result, Part = never>(
  client: Client,
  request: { method: 'GET' | 'POST'; path: string; body?: unknown; onPart?: (part: Part) => void },
): Promise<Result> {
  const bar = new ProgressBar()
  try {
    for await (const line of client.lines<JobLine<Result, Part>>(request.method, request.path, request.body)) {
      switch (line.kind) {
        case 'progress':
          bar.update(oneLine(line.label), line.done, line.total, line.unit)
          break
        case 'notice':
          bar.say(oneLine(`${line.where}: ${line.reason}`))
          break
        case 'part':
          request.onPart?.(line.part)
          break
        case 'result':
          return line.result
        case 'problem':
          throw new ServiceError(line.problem.detail, line.problem.status)
      }
    }
  } finally {
    bar.clear()
  }
  throw new ServiceError('the service went away in the middle of the work; what was not finished was not kept')
}
