import { mkdir, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Errands } from '../../src/deploy/errands.ts'
import { Machines } from '../../src/deploy/machines.ts'
import { StateChanges } from '../../src/deploy/state-changes.ts'
import { publishRamdisk } from '../../src/ramdisk/published-ramdisk.ts'
import { openStateDatabase } from '../../src/store/state-database.ts'
import { identityOf } from './machine-identities.ts'

/** As the ramdisk of Debian 12 has them; nobody looks at what is in them. */
const kernelBytes = 8_247_232
const segmentBytes = { 'tools.cpio.zst': 40_600_000, 'modules.cpio.zst': 14_000_000, 'agent.cpio.zst': 600_000 }

/** A site whose machines each have an order, written by the stores themselves; `serve` options for it. */
export async function prepareSite(directory: string, interfaceName: string, machineCount: number): Promise<string[]> {
  const data = join(directory, 'data')
  await mkdir(data)
  await orderForAll(join(data, 'state.sqlite'), machineCount)
  const site = {
    interfaces: { [interfaceName]: { mode: 'authoritative' } },
    subnets: [{ subnet: '10.77.0.0/16', pools: ['10.77.1.0-10.77.60.254'] }],
  }
  const siteFile = join(directory, 'site.yaml')
  await writeFile(siteFile, JSON.stringify(site))
  const places = ['--config', siteFile, '--data', data, '--ramdisk', await makeRamdisk(directory)]
  return ['serve', ...places, '--management', '127.0.0.1:0', '--log-level', 'warn']
}

async function orderForAll(file: string, machineCount: number): Promise<void> {
  const database = await openStateDatabase(file)
  const state = new StateChanges(database)
  const machines = new Machines(state)
  await machines.setAll(
    Array.from({ length: machineCount }, (_, index) => ({
      ...{ name: `machine-${index}`, macs: [identityOf(index).mac], approved: true },
    })),
  )
  const errands = new Errands(state)
  const work = { kind: 'run', name: 'hello', script: 'echo hello', arguments: [], timeoutSeconds: 600 } as const
  for (const machine of await machines.list()) {
    await errands.create(machine, { ...work, arguments: [], afterwards: 'stay' }, { once: true })
  }
  await database.destroy()
}

async function makeRamdisk(directory: string): Promise<string> {
  const image = await sparse(join(directory, 'kernel'), kernelBytes)
  const segments = await Promise.all(
    Object.entries(segmentBytes).map(async ([fileName, bytes]) => {
      const path = await sparse(join(directory, fileName), bytes)
      return { name: fileName.split('.')[0]!, fileName, path, packedBytes: bytes, rawBytes: bytes, shares: [] }
    }),
  )
  const kernel = { image, modulesDirectory: join(directory, 'modules'), identity: 'none' }
  const firmware = { drivers: [], missingDrivers: [] }
  return (await publishRamdisk({ architecture: 'x64', kernel, segments, firmware }, directory)).directory
}

async function sparse(path: string, bytes: number): Promise<string> {
  await using file = await open(path, 'w')
  await file.truncate(bytes)
  return path
}
