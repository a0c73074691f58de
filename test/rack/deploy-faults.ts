import assert from 'node:assert/strict'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { crowdedImage, prepareCrowdedImage } from '../../src/cli/rack/crowded-image.ts'
import { checkPackagedFiles, readIdentity } from '../../src/cli/rack/identity.ts'
import {
  isAt,
  type PowerCutMoment,
  whenPartDone,
  whenStarted,
  whenWritten,
} from '../../src/cli/rack/power-cut-moments.ts'
import { makeRawDisk } from '../../src/cli/rack/raw-disk.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import { exchangeToken, overhear } from '../../src/cli/rack/take-token.ts'
import type { RackMachine } from '../../src/rack/machine.ts'
import { rackNetwork, setPort } from '../../src/rack/switch.ts'

const momentTimeoutMs = 10 * 60_000
const networkCutMs = 60_000
const mib = 2 ** 20

export const rackCase: RackCase = {
  name: 'deploy-faults',
  describe:
    'plug pulled in each step, network cut for 60 s, server killed, boots that get no further, disks too small and full, a token forged and taken: proved, or failed by name',
  set: 'long',
  longestMinutes: 60,
  prepare: prepareCrowdedImage,
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: 'faults-1', firmware: 'bios' })
  const figures = await pullPlugInEachStep(site, machine)
  await bootInVain(site, machine)
  await machine.powerOff()
  await refuseDisksAndTokens(site)
  return figures
}

const whenBooting: PowerCutMoment = {
  name: 'the script was fetched',
  kind: 'event',
  isNow: ({ script }) => script === 'agent',
}

/** One deployment: each boot ends in a later step; the last has its network cut and its server killed, and is proved. */
async function pullPlugInEachStep(site: RackSite, machine: RackMachine): Promise<CaseFigures> {
  const id = await site.deploy(machine, { rendition: 'tree' })
  const steps = ['select-disk', 'partition', 'make-filesystems', 'write', 'identity', 'flush'] as const
  for (const moment of [whenBooting, ...steps.map(whenStarted)]) {
    await bootUntil(site, machine, moment)
    await machine.powerOff()
    site.log(`the plug was pulled: ${moment.name}; the deployment is ${(await site.deployment(id)).state}`)
  }
  const poweredAt = Date.now()
  await bootUntil(site, machine, whenPartDone('write', 0.1))
  const agent = site.timeline.events.find(({ kind, at }) => kind === 'agent' && at >= poweredAt)!
  await cutNetwork(site, machine)
  await awaitMoment(site, whenStarted('verify'), poweredAt)
  await site.service.kill()
  await site.service.start()
  site.log('the server was killed and started again during verify')
  await awaitMoment(site, whenWritten, poweredAt)
  await machine.powerOff()
  site.log('the plug was pulled: written, before the hand-over')
  machine.console.skipToNow()
  await machine.powerOn()
  const proved = await site.awaitState(id, 'proved', momentTimeoutMs)
  const shell = await site.logIn(machine)
  assert.equal((await readIdentity(shell)).hostName, machine.spec.name)
  site.log(`proved; ${await checkPackagedFiles(shell)} files of packages have the bytes that they should`)
  return caseFigures(proved, (agent.at - poweredAt) / 1000)
}

async function bootUntil(site: RackSite, machine: RackMachine, moment: PowerCutMoment): Promise<void> {
  const since = Date.now()
  await machine.powerOn()
  await awaitMoment(site, moment, since)
}

async function awaitMoment(site: RackSite, moment: PowerCutMoment, since: number): Promise<void> {
  const event = await site.timeline.waitFor(
    (candidate) => candidate.at >= since && (isAt(moment, candidate) || candidate.data?.state === 'failed'),
    { timeoutMs: momentTimeoutMs, what: moment.name },
  )
  assert.ok(isAt(moment, event), `instead of "${moment.name}": ${event.message}`)
}

async function cutNetwork(site: RackSite, machine: RackMachine): Promise<void> {
  const port = machine.ports[0]!
  await setPort(port, 'down')
  await wait(networkCutMs)
  await setPort(port, 'up')
  site.log(`the network was cut for ${networkCutMs / 1000} s during write`)
}

/** A deployment into which the machine boots three times and gets no further: it fails, and the machine has its disk. */
async function bootInVain(site: RackSite, machine: RackMachine): Promise<void> {
  const id = await site.deploy(machine, { rendition: 'tree' })
  for (let boot = 1; boot <= 3; boot++) {
    await machine.powerOff()
    await bootUntil(site, machine, whenBooting)
  }
  machine.console.skipToNow()
  await machine.powerCycle()
  const { step, failure } = await site.awaitState(id, 'failed')
  site.log(`after three boots: failed at ${step}: ${failure}`)
  assert.equal(step, 'boot')
  assert.match(failure ?? '', /booted 3 times and its agent never came to its order/)
  await site.logIn(machine)
  site.log('the machine boots its disk, which nobody has begun on')
}

/** Three orders for one boot of the agent: its token is taken, a disk becomes full, a disk is too small. */
async function refuseDisksAndTokens(site: RackSite): Promise<void> {
  const disks = [await rawDisk(site, 'SMALL', 512 * mib), await rawDisk(site, 'FULL', crowdedImage.diskBytes)]
  const machine = await site.addMachine({ name: 'faults-2', firmware: 'bios', disks })
  const order = { image: crowdedImage.image, rendition: 'tree' as const, disk: { serial: 'FULL' } }
  const taken = await site.deploy(machine, order)
  await machine.powerOn()
  await site.awaitState(taken, 'running')
  await takeToken(site, machine, taken)

  const { id } = await site.retry(machine)
  await assertFailed(site, id, 'write', /ENOSPC/)
  const small = await site.deploy(machine, { rendition: 'tree', disk: { serial: 'SMALL' } })
  await assertFailed(site, small, 'select-disk', /a new root partition needs 1024 MiB/)
}

/** Somebody who listens on the segment: what is forged changes nothing, what was overheard stops the deployment. */
async function takeToken(site: RackSite, machine: RackMachine, id: string): Promise<void> {
  const { mac } = machine.spec
  const address = rackNetwork.serverAddress
  const overheard = await overhear(join(site.rack.directory, `${machine.spec.name}.1.pcap`))
  assert.equal(await exchangeToken(mac, { token: 'A'.repeat(43), address }), 403, 'a forged token is refused')
  assert.equal(await exchangeToken(mac, { ...overheard, address }), 403, 'a token of another address is refused')
  assert.equal((await site.deployment(id)).state, 'running', 'neither stops the machine')
  assert.equal(await exchangeToken(mac, overheard), 403, 'a token that was used is refused')
  await site.awaitState(id, 'frozen')
  const said = { timeoutMs: momentTimeoutMs, what: 'the agent stopping' }
  await machine.console.expect(/deployment failed in step/, said)
  await site.client.request('POST', `/api/v1/deployments/${id}/cancel`)
  assert.equal((await site.deployment(id)).state, 'cancelled')
  const security = site.timeline.events.find(({ kind }) => kind === 'security')
  site.log(`the token was exchanged twice: ${security?.message}`)
}

async function rawDisk(site: RackSite, serial: string, sizeBytes: number) {
  const path = join(site.rack.directory, `${serial.toLowerCase()}.raw`)
  await makeRawDisk(path, sizeBytes)
  return { path, format: 'raw' as const, serial }
}

async function assertFailed(site: RackSite, id: string, step: string, reason: RegExp): Promise<void> {
  const failed = await site.awaitState(id, 'failed')
  site.log(`failed at ${failed.step}: ${failed.failure}`)
  assert.equal(failed.step, step, 'the failure names its step')
  assert.match(failed.failure ?? '', reason)
}
