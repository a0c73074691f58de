import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { formatIpv4, type Ipv4, parseIpv4 } from '../../src/bytes/ipv4.ts'
import { macFromBytes } from '../../src/bytes/mac.ts'
import type { Lease } from '../../src/core/lease.ts'
import { Machines } from '../../src/deploy/machines.ts'
import { StateChanges } from '../../src/deploy/state-changes.ts'
import { publishRamdisk } from '../../src/ramdisk/published-ramdisk.ts'
import { openLeaseStore } from '../../src/store/lease-store.ts'
import { openStateDatabase } from '../../src/store/state-database.ts'

export const machineCount = 10_000
export const leaseCount = 50_000
const pool = { first: '10.77.1.0', last: '10.77.254.254' }
/** Leases are of the pool's end; what the load generator asks for comes from its beginning. */
const lastLease = parseIpv4(pool.last)

/** The MAC of a client that has a lease, which is offered to it without looking whether somebody uses it. */
export const knownClient = macOf(0)

/** What a service finds that has been running for long, written by the stores themselves; `serve` options for it. */
export async function fillState(directory: string, interfaceName: string): Promise<string[]> {
  const [data, files] = [join(directory, 'data'), join(directory, 'files')]
  await mkdir(files, { recursive: true })
  await mkdir(data)
  await fillMachines(join(data, 'state.sqlite'))
  await fillLeases(join(data, 'leases.journal'))
  const kernel = { image: join(directory, 'kernel'), modulesDirectory: join(directory, 'modules'), identity: 'none' }
  await writeFile(kernel.image, 'stands for a kernel; nobody fetches it')
  const firmware = { drivers: [], missingDrivers: [] }
  const ramdisk = await publishRamdisk({ architecture: 'x64', kernel, segments: [], firmware }, directory)
  const site = {
    interfaces: { [interfaceName]: { mode: 'authoritative' } },
    subnets: [{ subnet: '10.77.0.0/16', pools: [`${pool.first}-${pool.last}`], probeMs: 0 }],
    files,
  }
  const siteFile = join(directory, 'site.yaml')
  await writeFile(siteFile, JSON.stringify(site))
  const places = ['--config', siteFile, '--data', data, '--ramdisk', ramdisk.directory]
  return ['serve', ...places, '--management', '127.0.0.1:0', '--log-level', 'warn']
}

async function fillMachines(file: string): Promise<void> {
  const database = await openStateDatabase(file)
  const machines = Array.from({ length: machineCount }, (_, index) => ({
    ...{ name: `machine-${index}`, macs: [macOf(index)], group: `group-${index % 20}`, approved: true },
    address: formatIpv4((lastLease - index) as Ipv4),
  }))
  await new Machines(new StateChanges(database)).setAll(machines)
  await database.destroy()
}

async function fillLeases(file: string): Promise<void> {
  const store = await openLeaseStore(file)
  const write = promisify((lease: Lease, written: (error?: Error) => void) => store.write(lease, written))
  const grantedAt = Date.now()
  const leases = Array.from({ length: leaseCount }, (_, index) => {
    return { address: (lastLease - index) as Ipv4, client: macOf(index), grantedAt, expiresAt: grantedAt + 3_600_000 }
  })
  for (let done = 0; done < leaseCount; done += 5000) {
    await Promise.all(leases.slice(done, done + 5000).map((lease) => write(lease)))
  }
  await store.close()
}

function macOf(index: number) {
  return macFromBytes(Uint8Array.of(2, 0x99, 0, index >> 16, index >> 8, index))
}
