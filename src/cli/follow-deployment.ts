import type { Deployment } from '../core/deployment.ts'
import type { TimelineEvent } from '../core/timeline.ts'
import type { Client } from './client.ts'
import { ProgressBar } from './progress-bar.ts'
import { formatEvent } from './timeline-text.ts'

const endStates = new Set(['proved', 'unproved', 'failed', 'cancelled', 'frozen'])

/** Shows a machine's timeline until its deployment has ended; gives the deployment as it ended. */
export async function followDeployment(client: Client, machine: string, deploymentId: string): Promise<Deployment> {
  const bar = new ProgressBar()
  let after = 0
  for (;;) {
    for await (const event of client.events({ machine, after })) {
      if (event.sequence !== 0) after = event.sequence
      if (showEvent(bar, event, machine) && event.deploymentId === deploymentId && hasEnded(event)) {
        bar.clear()
        const { deployment } = await client.request<{ deployment: Deployment }>(
          'GET',
          `/api/v1/deployments/${deploymentId}`,
        )
        return deployment
      }
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
  const { step, bytesDone, bytesTotal } = (event.data ?? {}) as {
    step?: string
    bytesDone?: number
    bytesTotal?: number
  }
  bar.update(step ?? event.message, bytesDone, bytesTotal)
  return false
}

function hasEnded(event: TimelineEvent): boolean {
  return event.kind === 'deployment' && endStates.has(String(event.data?.state))
}

async function waitForService(client: Client): Promise<void> {
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
