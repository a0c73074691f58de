import assert from 'node:assert/strict'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { keyLines, readIdentity } from '../../src/cli/rack/identity.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { RackMachine } from '../../src/rack/machine.ts'

const agentTimeoutMs = 3 * 60_000

export const rackCase: RackCase = {
  name: 'deploy-bios',
  describe: 'a BIOS machine is deployed twice, logged in to each time, and boots its disk with the server off',
  set: 'default',
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: 'bios-1', firmware: 'bios' })
  const first = await deployAndLogIn(site, machine, () => machine.powerOn())
  const second = await deployAndLogIn(site, machine, () => machine.reset())
  assert.notEqual(second.identity.machineId, first.identity.machineId, 'a second deployment has its own machine-id')
  const shared = second.identity.hostKeys.filter((key) => first.identity.hostKeys.includes(key))
  assert.deepEqual(shared, [], 'a second deployment has its own SSH host keys')

  site.log('the server is stopped and the machine power-cycled')
  await site.service.stop()
  await machine.powerCycle()
  const alone = await readIdentity(await site.logIn(machine))
  assert.deepEqual(alone, second.identity, 'without the server the machine boots the same system from its disk')
  return first.figures
}

async function deployAndLogIn(site: RackSite, machine: RackMachine, start: () => Promise<void>) {
  const id = await site.deploy(machine)
  const startedAt = Date.now()
  machine.console.skipToNow()
  await start()
  const agent = await site.timeline.waitFor((event) => event.kind === 'agent' && event.at >= startedAt, {
    timeoutMs: agentTimeoutMs,
    what: 'the agent',
  })
  const deployment = await site.awaitState(id, 'proved')
  const identity = await readIdentity(await site.logIn(machine))
  site.log(`logged in to ${identity.hostName}: machine-id ${identity.machineId}, Linux ${identity.kernelRelease}`)
  assert.match(identity.machineId, /^[0-9a-f]{32}$/)
  assert.match(identity.kernelPackage, /^linux-image-/, "the kernel is the image's own package")
  assert.equal(identity.hostName, machine.spec.name)
  assert.deepEqual(identity.hostKeys, keyLines(deployment.sshHostKeys), 'the host keys are those the agent reported')
  return { identity, figures: caseFigures(deployment, (agent.at - startedAt) / 1000) }
}
