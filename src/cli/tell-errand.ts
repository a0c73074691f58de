import { Option } from 'commander'
import { Check } from 'typebox/value'
import type { Errand } from '../core/errand.ts'
import { oneLine } from '../core/one-line.ts'
import { RescueResult } from '../core/rescue.ts'
import type { Client } from './client.ts'
import { followErrand } from './follow-work.ts'
import { printJson } from './output.ts'
import { wipedLines } from './wiped-lines.ts'

export function errandFollowOption(ending: string): Option {
  return new Option('--follow', `show what happens until it has ended; ${ending}`)
}

/** Says that an errand is queued, or shows it to its end; the exit code is 1 then when it was not done. */
export async function tellErrand(
  client: Client,
  machine: string,
  errand: Errand,
  options: { follow?: boolean; json?: boolean },
): Promise<void> {
  if (!options.follow) {
    if (options.json) printJson(errand)
    else {
      const words = `the order ${errand.work.kind} is queued (${errand.id})`
      process.stdout.write(`${words}: restart ${machine} so that it boots from the network\n`)
    }
    return
  }
  const ended = await followErrand(client, machine, errand.id)
  if (options.json) printJson(ended)
  else {
    const lines = [describeEnd(ended), ...wipedLines(ended), ...describeRescue(machine, ended)]
    process.stdout.write(`${machine}: ${lines.join('\n')}\n`)
  }
  if (ended.state !== 'done') process.exitCode = 1
}

function describeEnd({ work, state, step, failure }: Errand): string {
  return `${work.kind} ${state}${failure === undefined ? '' : ` at ${step}: ${failure}`}`
}

/** How it is reached, and what its disks have. The strings are the machine's. */
function describeRescue(machine: string, { work, result }: Errand): string[] {
  if (work.kind !== 'rescue' || !Check(RescueResult, result)) return []
  const { mountable, locked } = result.disks
  return [
    `  host key ${result.fingerprint}`,
    ...mountable.map(({ device, type, label }) => `  ${oneLine([device, type, label].filter(Boolean).join('  '))}`),
    ...locked.map((device) => `  ${oneLine(device)}  encrypted`),
    `  'bootwright ssh ${machine}' goes there; 'bootwright reboot ${machine}' ends it`,
  ]
}
