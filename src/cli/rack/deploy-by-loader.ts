import assert from 'node:assert/strict'
import { type CaseFigures, caseFigures } from './case.ts'
import { keyLines, readIdentity } from './identity.ts'
import type { RackSite } from './site.ts'

const deployTimeoutMs = 8 * 60_000

/**
 * A BIOS machine, from its empty disk to the login, with a loader that is not iPXE: every network boot of it, the one that deploys
 * and those that start the disk after it, has that loader fetch the script.
 */
export async function deployAndRestart(site: RackSite, loader: string): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: `${loader.toLowerCase()}-1`, firmware: 'bios' })
  const id = await site.deploy(machine)
  const secondsToAgent = await site.bootAgent(machine)
  const deployment = await site.awaitState(id, 'proved', deployTimeoutMs)
  const identity = await readIdentity(await site.logIn(machine))
  site.log(`logged in to ${identity.hostName}: machine-id ${identity.machineId}, Linux ${identity.kernelRelease}`)
  assert.equal(identity.hostName, machine.spec.name)
  assert.deepEqual(identity.hostKeys, keyLines(deployment.sshHostKeys), 'the host keys are those the agent reported')

  site.log('the machine is power-cycled: its disk is all it has to start')
  machine.console.skipToNow()
  await machine.powerCycle()
  assert.deepEqual(await readIdentity(await site.logIn(machine)), identity)
  const scripts = site.timeline.events.filter(({ kind }) => kind === 'script').map(({ message }) => message)
  const [first, ...later] = scripts
  assert.equal(first, `${loader} fetched its script: the agent, intent deploy`)
  assert.ok(later.length >= 2, `the loader asked only ${scripts.length} times: ${scripts.join('; ')}`)
  for (const message of later) assert.equal(message, `${loader} fetched its script: it boots its own disk`)
  return caseFigures(deployment, secondsToAgent)
}
