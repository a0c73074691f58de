import assert from 'node:assert/strict'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { type MachineIdentity, readIdentity } from '../../src/cli/rack/identity.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { RackMachine } from '../../src/rack/machine.ts'

const names = ['four-1', 'four-2', 'four-3', 'four-4'] as const
/**
 * An emulated processor that gets none of the host's time for a moment looks to Linux 6.1 as if its timer did not work
 * ("IO-APIC + timer doesn't work"): it panics.
 */
const emulatedTimer = 'no_timer_check'
/** Four emulated machines on two processors. */
const agentTimeoutMs = 10 * 60_000
const stateTimeoutMs = 30 * 60_000
const loginTimeoutMs = 15 * 60_000

export const rackCase: RackCase = {
  name: 'deploy-four',
  describe:
    'four machines are switched on at once, deployed beside each other, each proved with an identity of its own',
  set: 'long',
  longestMinutes: 45,
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const machines: RackMachine[] = []
  for (const name of names) {
    machines.push(await site.addMachine({ name, firmware: 'bios', memoryMiB: 640, processors: 1 }))
  }
  const startedAt = Date.now()
  const ends = await Promise.all(machines.map((machine) => deployOne(site, machine)))
  site.log(`four machines proved and logged in to after ${((Date.now() - startedAt) / 1000).toFixed(0)} s`)
  for (const fact of ['machineId', 'hostName'] as const) {
    assert.equal(new Set(ends.map(({ identity }) => identity[fact])).size, names.length, `each has its own ${fact}`)
  }
  const keys = ends.flatMap(({ identity }) => identity.hostKeys)
  assert.equal(new Set(keys).size, keys.length, 'each has its own SSH host keys')
  return ends[0]!.figures
}

async function deployOne(
  site: RackSite,
  machine: RackMachine,
): Promise<{ figures: CaseFigures; identity: MachineIdentity }> {
  const id = await site.deploy(machine, { rendition: 'tree', kernelArguments: [emulatedTimer] })
  const { machineId } = await site.deployment(id)
  const startedAt = Date.now()
  await machine.powerOn()
  const agent = await site.timeline.waitFor((event) => event.kind === 'agent' && event.machineId === machineId, {
    timeoutMs: agentTimeoutMs,
    what: `the agent of ${machine.spec.name}`,
  })
  const proved = await site.awaitState(id, 'proved', stateTimeoutMs)
  const identity = await readIdentity(await site.logIn(machine, loginTimeoutMs))
  assert.equal(identity.hostName, machine.spec.name)
  const seconds = proved.steps.reduce((sum, step) => sum + (step.seconds ?? 0), 0)
  site.log(`${machine.spec.name}: proved, its steps took ${seconds.toFixed(0)} s`)
  return { figures: caseFigures(proved, (agent.at - startedAt) / 1000), identity }
}
