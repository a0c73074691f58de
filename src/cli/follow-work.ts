import { printable } from '../bytes/printable.ts'
import type { Deployment } from '../core/deployment.ts'
import type { Errand } from '../core/errand.ts'
import type { TimelineEvent } from '../core/timeline.ts'
import type { Client } from './client.ts'
import { ProgressBar } from './progress-bar.ts'
import { formatEvent } from './timeline-text.ts'

/** Its last states; an errand for every boot ends, each time, by being queued again. */
const endStates: Record<string, ReadonlySet<unknown>> = {
  deployment: new Set(['proved', 'unproved', 'failed', 'cancelled', 'frozen']),
  errand: new Set(['done', 'failed', 'cancelled', 'frozen']),
}

/** Shows a machine's timeline until its deployment has ended; gives the deployment as it ended. */
export async function followDeployment(client: Client, machine: string, deploymentId: string): Promise<Deployment> {
  await followWork(client, machine, (event) => event.kind === 'deployment' && event.deploymentId === deploymentId)
  const path = `/api/v1/deployments/${deploymentId}`
  return (await client.request<{ deployment: Deployment }>('GET', path)).deployment
}

/** Likewise of an errand, with what a script says as it says it. */
export async function followErrand(client: Client, machine: string, errandId: string): Promise<Errand> {
  await followWork(client, machine, (event) => event.kind === 'errand' && event.errandId === errandId)
  return (await client.request<{ errand: Errand }>('GET', `/api/v1/errands/${errandId}`)).errand
}

async function followWork(client: Client, machine: string, isOfWork: (event: TimelineEvent) => boolean): Promise<void> {
  const bar = new ProgressBar()
  let after = 0
  for (;;) {
    for await (const event of client.events({ machine, after })) {
      if (event.sequence !== 0) after = event.sequence
      if (showEvent(bar, event, machine) && isOfWork(event) && hasEnded(event)) return bar.clear()
    }
    bar.say('the service went away; waiting for it …')
    await waitForService(client)
  }
}

/** Draws progress as a bar and everything else as a line; true when it was a line. */
export function showEvent(bar: ProgressBar, event: TimelineEvent, machineName: string): boolean {
  if (event.sequence !== 0) {
    bar.say(formatEvent(event, machineName))
    return true
  }
  if (event.kind === 'output') {
    bar.clear()
    process.stdout.write(printableLines(String(event.data?.text ?? '')))
    return false
  }
  const { step, bytesDone, bytesTotal } = (event.data ?? {}) as {
    step?: string
    bytesDone?: number
    bytesTotal?: number
  }
  bar.update(step ?? event.message, bytesDone, bytesTotal)
  return false
}

function hasEnded({ kind, data }: TimelineEvent): boolean {
  return endStates[kind]?.has(data?.state) ?? false
}

/** What a script says reaches a terminal without its control characters. */
function printableLines(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => printable(line, 4096))
    .join('\n')
}

/** Two minutes at most. Throws ServiceError. */
export async function waitForService(client: Client): Promise<void> {
  const deadline = Date.now() + 120_000
  for (;;) {
    try {
      await client.request('GET', '/api/v1/status')
      return
    } catch (error) {
      if (Date.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
  }
}
