import { Addresses } from './addresses.ts'
import { DhcpDesk } from './dhcp-desk.ts'
import { identityOf } from './machine-identities.ts'
import { liveAsMachine, type MachineTimes } from './machine-life.ts'

/*
 * Many machines that are switched on at once, in one process. Arguments: interface, how many, seconds until it ends whatever
 * happens. Prints what became of each (JSON).
 */
export type LoadReport = { machines: MachineTimes[]; dhcpRetries: number; cpuSeconds: number; seconds: number }

const [interfaceName = '', count = '0', deadlineSeconds = '0'] = process.argv.slice(2)
const before = process.cpuUsage()
const desk = await DhcpDesk.open(interfaceName)
await using addresses = new Addresses(interfaceName)
const machines: MachineTimes[] = Array.from({ length: Number(count) }, () => ({ gaveUp: 'not done by the deadline' }))
const poweredOnAt = performance.now()
const all = Promise.all(
  machines.map(async (_, index) => {
    machines[index] = await liveAsMachine(identityOf(index), { desk, addresses, poweredOnAt })
  }),
)
await Promise.race([all, new Promise((resolve) => setTimeout(resolve, Number(deadlineSeconds) * 1000).unref())])
const { user, system } = process.cpuUsage(before)
const report: LoadReport = {
  ...{ machines, dhcpRetries: desk.retries, cpuSeconds: (user + system) / 1e6 },
  seconds: (performance.now() - poweredOnAt) / 1000,
}
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0))
