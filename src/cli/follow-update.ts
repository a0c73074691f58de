import { countStates, isOnItsWay, secondsDown, type Update } from '../core/update.ts'
import type { Client } from './client.ts'
import { waitForService } from './follow-work.ts'
import { formatEvent } from './timeline-text.ts'

/**
 * Shows what an update does, from a time on, until it is done or stopped and nobody is on the way any more; gives it as it ended. A
 * service that restarts meanwhile is waited for.
 */
export async function followUpdate(
  client: Client,
  { id, machines }: Update,
  since: number,
  output: NodeJS.WritableStream,
): Promise<Update> {
  const names = new Map(machines.map(({ machineId, name }) => [machineId, name]))
  const read = async () => (await client.request<{ update: Update }>('GET', `/api/v1/updates/${id}`)).update
  let after = 0
  for (;;) {
    for await (const event of client.events({ kind: 'update', since, after })) {
      if (event.sequence > 0) after = event.sequence
      if (event.data?.update !== id) continue
      output.write(`${formatEvent(event, names.get(event.machineId ?? '') ?? '')}\n`)
      const now = await read()
      if (hasEnded(now)) return now
    }
    output.write('the service went away; waiting for it …\n')
    await waitForService(client)
    const now = await read()
    if (hasEnded(now)) return now
  }
}

function hasEnded({ state, machines }: Update): boolean {
  return state !== 'running' && !machines.some(isOnItsWay)
}

/** 0 where every machine that could be reached runs what it was to run. */
export function exitCodeOf({ state, machines }: Update): number {
  return state === 'stopped' || machines.some((machine) => machine.state === 'failed') ? 1 : 0
}

export function describeUpdate(update: Update): string {
  const { id, state, reason, createdAt } = update
  const versions = [...new Set(update.machines.map(({ image, version }) => `${image} (${version.slice(0, 12)})`))]
  const words = reason === undefined ? state : `${state}: ${reason}`
  return `${id}  ${new Date(createdAt).toISOString()}  ${versions.join(', ')}  ${countStates(update)}  ${words}${whatToDo(update)}`
}

/** Machines that were not touched boot what the tag means, whenever they boot. */
function whatToDo({ state, id, machines }: Update): string {
  const rest = machines.filter((machine) => machine.state === 'waiting').length
  if (state !== 'stopped' || rest === 0) return ''
  return `
  ${rest} were not touched; their next network boot runs what their reference means then: 'bootwright image rollback NAME' moves a tag back.
  'bootwright update continue ${id}' goes on with them.`
}

/** Rows of machine, state, way, seconds from restart to call, version, reason. */
export function updateTable({ machines }: Update): string[][] {
  return machines.map((machine) => {
    const { name, state, by = '', version, reason = '' } = machine
    return [name, state, by, secondsDown(machine)?.toFixed(1) ?? '', version.slice(0, 12), reason]
  })
}
