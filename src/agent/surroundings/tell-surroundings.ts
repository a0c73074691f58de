import { parseMac } from '../../bytes/mac.ts'
import { describeNeighbour } from '../../core/describe-neighbour.ts'
import type { Bmc, Inventory, Surroundings } from '../../core/inventory.ts'
import { say } from '../say.ts'
import type { ServerClient } from '../server-client.ts'
import { listenForNeighbours } from './listen-for-neighbours.ts'
import { readBmc } from './read-bmc.ts'

/** Longer than CDP's minute, so that every switch has spoken once. */
const listenMs = 65_000
/** What cannot be told by then is told at the next boot. */
const patienceMs = 60_000

/**
 * Finds out what takes seconds (the switch ports, the BMC) beside the machine's work, and tells the server each as it comes. Nobody
 * waits for it; what goes wrong is one line on the console.
 */
export function tellSurroundings(client: ServerClient, { interfaces }: Inventory): void {
  const tell = (found: Surroundings) => void report(client, found).catch(complain)
  readBmc()
    .then((bmc) => bmc && tellBmc(bmc, tell))
    .catch(complain)
  listenForNeighbours({
    interfaces: interfaces.filter(({ linkUp }) => linkUp).map(({ name, mac }) => ({ name, mac: parseMac(mac) })),
    timeoutMs: listenMs,
    onHeard: (mac, neighbour) => {
      say(`neighbour of ${mac}: ${describeNeighbour(neighbour)} (${neighbour.protocol})`)
      tell({ neighbours: [{ mac, neighbour }] })
    },
    onTrouble: say,
  }).catch(complain)
}

function tellBmc(bmc: Bmc, tell: (found: Surroundings) => void): void {
  say(`BMC at ${bmc.address ?? 'no address'}, firmware ${bmc.firmware ?? 'not given'}`)
  tell({ neighbours: [], bmc })
}

async function report(client: ServerClient, found: Surroundings): Promise<void> {
  await client.request('POST', '/agent/surroundings', found, { patienceMs })
}

function complain(error: unknown): void {
  say(error instanceof Error ? error.message : String(error))
}
