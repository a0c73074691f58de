import assert from 'node:assert/strict'
import { blockCallback, droppedPackets } from '../../src/cli/rack/block-callback.ts'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { keyLines, readIdentity } from '../../src/cli/rack/identity.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'

const deployTimeoutMs = 6 * 60_000
/** Long enough to boot twice under emulation, so that the machine is up again before the deadline tells its verdict. */
const proofSeconds = 150

export const rackCase: RackCase = {
  name: 'deploy-callback-blocked',
  describe: 'the first-boot callback is cut off and the machine reset before proof: it boots its disk, state unproved',
  set: 'default',
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: 'unproved-1', firmware: 'bios' })
  const id = await site.deploy(machine, { proofSeconds })
  const secondsToAgent = await site.bootAgent(machine)
  const handedOver = await site.awaitState(id, 'handed-over')
  await blockCallback()
  const lastEvent = site.timeline.events.at(-1)!.sequence
  machine.console.skipToNow()
  await machine.console.expect(/Linux version/, { timeoutMs: deployTimeoutMs, what: 'the deployed kernel starting' })
  await machine.reset()

  const identity = await readIdentity(await site.logIn(machine))
  assert.deepEqual(identity.hostKeys, keyLines(handedOver.sshHostKeys), 'it is the system that was deployed')
  const unproved = await site.awaitState(id, 'unproved')
  assert.equal(unproved.bytesWritten, handedOver.bytesWritten, 'nothing was written again')
  assert.ok((await droppedPackets()) > 0, 'the callback was tried, and cut off')
  const later = site.timeline.events.filter((event) => event.sequence > lastEvent)
  const agentEvents = later.filter((event) => event.kind === 'agent' || event.kind === 'step')
  assert.deepEqual(agentEvents, [], 'the agent was not booted again')
  return caseFigures(unproved, secondsToAgent)
}
