import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { pino } from 'pino'
import { type Ipv4, parseIpv4 } from '../../src/bytes/ipv4.ts'
import { Machines } from '../../src/deploy/machines.ts'
import { StateChanges } from '../../src/deploy/state-changes.ts'
import { makeSite } from '../../src/dhcp/make-site.ts'
import { recordOf } from '../../src/directory-worker.ts'
import { listInterfaceAddresses } from '../../src/net/interfaces.ts'
import { PacketTimeline } from '../../src/packet-timeline.ts'
import { packetsComponent } from '../../src/packets.ts'
import { openLeaseStore } from '../../src/store/lease-store.ts'
import { openStateDatabase } from '../../src/store/state-database.ts'

/*
 * The packet servers as the service runs them, with their threads, the timeline and its database. Arguments: interface,
 * directory, and how many leases the table holds before.
 */
const [interfaceName = '', directory = '', heldLeases = '0'] = process.argv.slice(2)
const leaseFile = join(directory, 'leases.journal')
await holdLeases(Number(heldLeases))

const subnet = { subnet: '10.77.0.0/16', pools: ['10.77.1.0-10.77.254.254'], probeMs: 0 }
const file = { interfaces: { [interfaceName]: { mode: 'authoritative' as const } }, subnets: [subnet] }
const made = makeSite(file, listInterfaceAddresses(), 4280)
if ('problems' in made) throw new Error(JSON.stringify(made.problems))
const database = await openStateDatabase(join(directory, 'state.sqlite'))
const state = new StateChanges(database)
const machines = new Machines(state)
const timeline = new PacketTimeline({ state, log: pino({ level: 'error' }, pino.destination(2)) })
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
const packets = packetsComponent({
  site: made.site,
  leaseFile,
  tree: [],
  tokenKey: randomBytes(32),
  tokenLifetimeSeconds: 600,
  listRecords: async () => (await machines.list()).map(recordOf),
  onMachine: (listener) => state.onMachine(listener),
  onEvent: (event) => timeline.tell(event),
  scriptHandlers: new Map(),
  onFault: (error) => console.error(error),
  onReady: () => {},
})
await packets.run(stop.signal)
process.exit(0)

/** From the end of the pool, by clients that do not come again. */
async function holdLeases(count: number): Promise<void> {
  if (count === 0) return
  const store = await openLeaseStore(leaseFile)
  const grantedAt = Date.now()
  const last = parseIpv4('10.77.254.254')
  for (let done = 0; done < count; done += 5000) {
    const writes = Array.from({ length: Math.min(5000, count - done) }, (_, index) => {
      const address = (last - done - index) as Ipv4
      const lease = { address, client: `id:${address}`, grantedAt, expiresAt: grantedAt + 3_600_000 }
      return new Promise<void>((resolve, reject) => {
        store.write(lease, (error) => (error ? reject(error) : resolve()))
      })
    })
    await Promise.all(writes)
  }
  await store.close()
}
