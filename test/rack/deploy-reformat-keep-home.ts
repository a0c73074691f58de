import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { readIdentity } from '../../src/cli/rack/identity.ts'
import { hashRange, makeRawDisk, readEntries } from '../../src/cli/rack/raw-disk.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { DryRun } from '../../src/core/dry-run.ts'
import type { Layout } from '../../src/core/layout.ts'
import { findReadyLayout } from '../../src/core/ready-layouts.ts'
import type { RackMachine } from '../../src/rack/machine.ts'

const agentTimeoutMs = 3 * 60_000

/** A small separate-home, with swap. */
const firstLayout: Layout = {
  name: 'small-home',
  table: 'new',
  partitions: [
    { role: 'bios-boot' },
    { role: 'esp' },
    { role: 'root', size: '3 GiB' },
    { role: 'swap', size: '128 MiB' },
    { role: 'data', size: 'rest', filesystem: 'ext4', label: 'home', mount: '/home' },
  ],
}

export const rackCase: RackCase = {
  name: 'deploy-reformat-keep-home',
  describe: 'the root is made anew, and /home with its files, the swap and every partition entry are what they were',
  set: 'long',
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const path = join(site.rack.directory, 'home.raw')
  await makeRawDisk(path, 4 * 1024 ** 3)
  const disks = [{ path, format: 'raw' as const, serial: 'HOME' }]
  const machine = await site.addMachine({ name: 'home-1', firmware: 'bios', disks })
  await deploy(site, machine, firstLayout)
  const before = await site.logIn(machine)
  assert.match(await before.run('findmnt -no SOURCE /home'), /vda5/)
  assert.match(await before.run('cat /proc/swaps'), /vda4/)
  assert.match(await before.run('ls /home'), /operator/, 'the new /home begins with what the image has there')
  const asRoot = `echo ${site.supplies.credentials.password} | sudo -S sh -c`
  await before.run(`${asRoot} 'mkdir /home/kept && head -c 5000000 /dev/urandom > /home/kept/data && sync'`)
  const sum = await before.run('sha256sum /home/kept/data')
  const first = await readIdentity(before)
  await before.run('sync')
  await machine.powerOff()
  const entries = await readEntries(path)
  const swap = entries[3]!
  const swapPlace = [swap.start / 2048, swap.size / 2048] as const
  const swapHash = await hashRange(path, ...swapPlace)

  const wish = { machine: machine.spec.name, layout: 'keep-home' }
  const planned = await site.client.request<DryRun>('POST', '/api/v1/layouts/plan', wish)
  assert.match(planned.before.join('\n'), /ext4 "home"/, 'the inventory has the disk as it was written')
  assert.match(planned.after.join('\n'), /made anew: root[\s\S]*kept: data, ext4 "home", at \/home/)

  const { deployment, secondsToAgent } = await deploy(site, machine, findReadyLayout('keep-home')!)
  assert.deepEqual(await readEntries(path), entries, 'every entry has its number, place, type, GUID and name')
  assert.equal(await hashRange(path, ...swapPlace), swapHash, 'what the layout does not name is untouched')
  const after = await site.logIn(machine)
  assert.match(await after.run('findmnt -no SOURCE /home'), /vda5/)
  assert.equal(await after.run('sha256sum /home/kept/data'), sum, 'the files of /home are those of before')
  assert.notEqual((await readIdentity(after)).machineId, first.machineId, 'the root is a new system')
  return caseFigures(deployment, secondsToAgent)
}

async function deploy(site: RackSite, machine: RackMachine, layout: Layout) {
  const id = await site.deploy(machine, { layout })
  const startedAt = Date.now()
  machine.console.skipToNow()
  await machine.powerOn()
  const agent = await site.timeline.waitFor((event) => event.kind === 'agent' && event.at >= startedAt, {
    timeoutMs: agentTimeoutMs,
    what: 'the agent',
  })
  const deployment = await site.awaitState(id, 'proved')
  return { deployment, secondsToAgent: (agent.at - startedAt) / 1000 }
}
