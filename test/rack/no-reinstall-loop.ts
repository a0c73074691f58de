import assert from 'node:assert/strict'
import { join } from 'node:path'
import { blockCallback, droppedPackets } from '../../src/cli/rack/block-callback.ts'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { readIdentity } from '../../src/cli/rack/identity.ts'
import { hashRange, makeRawDisk } from '../../src/cli/rack/raw-disk.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { Deployment } from '../../src/core/deployment.ts'
import type { RackMachine } from '../../src/rack/machine.ts'

const diskBytes = 4 * 1024 ** 3
const kernelTimeoutMs = 6 * 60_000
const proofSeconds = 150
const marker = '/home/operator/made-by-the-deployed-system'

export const rackCase: RackCase = {
  name: 'no-reinstall-loop',
  describe:
    'reset between hand-over and proof with the callback cut off, then rebooted five times: always its disk, nothing written',
  set: 'long',
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const path = join(site.rack.directory, 'once.raw')
  await makeRawDisk(path, diskBytes)
  const disks = [{ path, format: 'raw' as const, serial: 'ONCE' }]
  const machine = await site.addMachine({ name: 'once-1', firmware: 'bios', disks })
  const id = await site.deploy(machine, { rendition: 'tree', proofSeconds })
  const secondsToAgent = await site.bootAgent(machine)
  await site.awaitState(id, 'handed-over')
  await blockCallback()
  const lastSequence = site.timeline.events.at(-1)!.sequence

  machine.console.skipToNow()
  await machine.console.expect(/Linux version/, { timeoutMs: kernelTimeoutMs, what: 'the deployed kernel starting' })
  await machine.reset()
  const first = await site.logIn(machine)
  const identity = await readIdentity(first)
  await first.run(`echo ${identity.machineId} > ${marker}; sync`)
  const beginning = await hashRange(path, 0, 2)

  for (let boot = 1; boot <= 5; boot++) {
    await rebootInTurn(machine, boot)
    const shell = await site.logIn(machine)
    assert.deepEqual(await readIdentity(shell), identity, `boot ${boot}: the system that was deployed`)
    assert.equal(await shell.run(`cat ${marker}`), identity.machineId, `boot ${boot}: with what it wrote`)
    site.log(`boot ${boot} of 5: its own disk`)
  }
  assert.equal(await hashRange(path, 0, 2), beginning, 'partition table and boot loader are untouched')
  const unproved = await site.awaitState(id, 'unproved')
  site.log(`unproved: ${site.timeline.events.find(({ data }) => data?.state === 'unproved')?.message}`)
  assert.ok((await droppedPackets()) > 0, 'the callback was tried, and cut off')
  await assertNothingElse(site, unproved, lastSequence)
  return caseFigures(unproved, secondsToAgent)
}

/** By the reset button and by the plug. */
async function rebootInTurn(machine: RackMachine, boot: number): Promise<void> {
  machine.console.skipToNow()
  if (boot % 2 === 1) await machine.reset()
  else await machine.powerCycle()
}

/** After the hand-over every script was for the disk, no agent came up, and there is one deployment. */
async function assertNothingElse(site: RackSite, { id }: Deployment, lastSequence: number): Promise<void> {
  const later = site.timeline.events.filter(({ sequence }) => sequence > lastSequence)
  assert.deepEqual(
    later.filter(({ kind }) => kind === 'agent' || kind === 'step'),
    [],
    'no agent was booted',
  )
  const scripts = later.filter(({ kind }) => kind === 'script')
  assert.equal(scripts.length, 7, 'the hand-over, the reset and five reboots')
  for (const { message, data } of scripts) assert.equal(data?.script, 'local', message)
  const { deployments } = await site.client.request<{ deployments: Deployment[] }>('GET', '/api/v1/deployments')
  assert.deepEqual(
    deployments.map((one) => one.id),
    [id],
  )
  const [machine] = await site.machines()
  assert.equal(machine?.intent.kind, 'local')
}
