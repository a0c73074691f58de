import assert from 'node:assert/strict'
import { endOrder, harmlessOrder } from '../../src/cli/rack/boot-to-order.ts'
import type { CaseFigures, RackCase } from '../../src/cli/rack/case.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { RamdiskQueueStatus } from '../../src/core/ramdisk-queue.ts'
import type { TimelineEvent } from '../../src/core/timeline.ts'
import type { RackMachine } from '../../src/rack/machine.ts'
import type { MachineRequest } from '../../src/rack/rack.ts'
import { rackNetwork, slowPort } from '../../src/rack/switch.ts'

/** What its agent takes some minutes to come through. */
const slowBitsPerSecond = 2_000_000
const loaderTimeoutMs = 4 * 60_000
/** The times after which a machine that is gone is taken for gone, and what the loaders wait before they ask again. */
const turnTimeoutMs = 3 * 60_000
const agentTimeoutMs = 6 * 60_000
const inLine = /number (\d+) in line, about (\d+) seconds/
const gaveUp = /restarting in|trying again in|does not answer|refused:|Could not boot/

export const rackCase: RackCase = {
  name: 'boot-queue',
  describe:
    'one machine at a time loads the agent: iPXE, GRUB and PXELINUX show their place and ask again; who is switched off frees it',
  set: 'long',
  siteFile: `interfaces: { ${rackNetwork.bridge}: { mode: authoritative } }
maximumRamdisks: 1
ramdiskRate: 2000000
machines:
  waits-grub: { loader: grub }
  waits-pxelinux: { loader: pxelinux }
`,
  run,
}

type Waiting = { machine: RackMachine; id: string; machineId: string }

async function run(site: RackSite): Promise<CaseFigures> {
  const slow = await addMachine(site, { name: 'loads-slowly', firmware: 'bios' })
  const leaver = await addMachine(site, { name: 'waits-ipxe', firmware: 'bios' })
  const stayers = [
    await addMachine(site, { name: 'waits-pxelinux', firmware: 'bios' }),
    await addMachine(site, { name: 'waits-grub', firmware: 'uefi' }),
  ]
  await slowPort(slow.machine.ports[0]!, slowBitsPerSecond)
  await slow.machine.powerOn()
  await told(site, slow, /the agent, intent deploy/, loaderTimeoutMs)

  const startedAt = Date.now()
  await leaver.machine.powerOn()
  assert.equal(await placeOf(leaver), 1)
  await Promise.all(stayers.map(({ machine }) => machine.powerOn()))
  for (const stayer of stayers) site.log(`${stayer.machine.spec.name} is number ${await placeOf(stayer)} in line`)
  assert.equal((await queueOf(site)).waiting, 3)

  site.log('who is the next is switched off while it waits')
  await leaver.machine.powerOff()
  await Promise.all(stayers.map((stayer) => awaitPlace(stayer, stayers.length)))
  assert.deepEqual((await Promise.all(stayers.map(placeOf))).sort(), [1, 2])

  site.log('who loads is switched off')
  assert.equal((await queueOf(site)).loading, 1)
  await slow.machine.powerOff()
  const figures = await Promise.all(stayers.map((stayer) => bootInTurn(site, stayer, startedAt)))

  site.log('who was switched off while it waited is switched on again')
  leaver.machine.console.skipToNow()
  await leaver.machine.powerOn()
  await bootInTurn(site, leaver, Date.now())
  return figures[0]!
}

async function addMachine(site: RackSite, request: MachineRequest): Promise<Waiting> {
  const machine = await site.addMachine({ ...request, memoryMiB: 640, processors: 1 })
  const id = await site.deploy(machine, harmlessOrder)
  return { machine, id, machineId: (await site.deployment(id)).machineId }
}

/** The next that its screen shows. */
async function placeOf({ machine }: Waiting): Promise<number> {
  const what = 'its place in line'
  const [, place, seconds] = await machine.console.expect(inLine, { timeoutMs: loaderTimeoutMs, what, failOn: gaveUp })
  assert.ok(Number(seconds) > 0)
  return Number(place)
}

/** It asks again by itself until it stands there. */
async function awaitPlace(waiting: Waiting, place: number): Promise<void> {
  const deadline = Date.now() + turnTimeoutMs
  while ((await placeOf(waiting)) > place) {
    assert.ok(Date.now() < deadline, `${waiting.machine.spec.name} does not come forward in line`)
  }
}

async function bootInTurn(site: RackSite, waiting: Waiting, startedAt: number): Promise<CaseFigures> {
  await told(site, waiting, /the agent, intent deploy/, turnTimeoutMs)
  const agent = await awaitEvent(site, waiting, ({ kind }) => kind === 'agent', 'its agent', agentTimeoutMs)
  const figures = await endOrder(site, waiting.id, (agent.at - startedAt) / 1000)
  const { machine, machineId } = waiting
  assert.doesNotMatch(machine.console.words, gaveUp)
  const waits = site.timeline.events.filter((event) => event.machineId === machineId && /waits for/.test(event.message))
  site.log(`${machine.spec.name}: ${waits.length} waits, the agent after ${figures.secondsToAgent} s`)
  await machine.powerOff()
  return figures
}

function told(site: RackSite, waiting: Waiting, message: RegExp, timeoutMs: number): Promise<TimelineEvent> {
  const matches = (event: TimelineEvent) => event.kind === 'script' && message.test(event.message)
  return awaitEvent(site, waiting, matches, 'its script', timeoutMs)
}

function awaitEvent(
  site: RackSite,
  { machine, machineId }: Waiting,
  matches: (event: TimelineEvent) => boolean,
  what: string,
  timeoutMs: number,
): Promise<TimelineEvent> {
  const isOfThis = (event: TimelineEvent) => event.machineId === machineId && matches(event)
  return site.timeline.waitFor(isOfThis, { timeoutMs, what: `${what} (${machine.spec.name})` })
}

async function queueOf({ client }: RackSite): Promise<RamdiskQueueStatus> {
  return (await client.request<{ ramdiskQueue: RamdiskQueueStatus }>('GET', '/api/v1/status')).ramdiskQueue
}
