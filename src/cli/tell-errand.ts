import type { Errand } from '../core/errand.ts'
import type { Client } from './client.ts'
import { followErrand } from './follow-work.ts'
import { printJson } from './output.ts'
import { wipedLines } from './wiped-lines.ts'

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
  else process.stdout.write([`${machine}: ${describeEnd(ended)}`, ...wipedLines(ended), ''].join('\n'))
  if (ended.state !== 'done') process.exitCode = 1
}

function describeEnd({ work, state, step, failure }: Errand): string {
  return `${work.kind} ${state}${failure === undefined ? '' : ` at ${step}: ${failure}`}`
}
