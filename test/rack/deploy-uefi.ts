import assert from 'node:assert/strict'
import { readBootOrder } from '../../src/cli/rack/boot-order.ts'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { keyLines, readIdentity } from '../../src/cli/rack/identity.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'

export const rackCase: RackCase = {
  name: 'deploy-uefi',
  describe: "a UEFI machine is deployed through EDK2's own PXE and boots its disk with the server off",
  set: 'default',
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: 'uefi-1', firmware: 'uefi' })
  const id = await site.deploy(machine)
  const secondsToAgent = await site.bootAgent(machine)
  const deployment = await site.awaitState(id, 'proved')

  site.log('the server is stopped and the machine power-cycled')
  await site.service.stop()
  await machine.powerCycle()
  machine.console.skipToNow()
  const shell = await site.logIn(machine)
  const identity = await readIdentity(shell)
  site.log(`logged in to ${identity.hostName}: machine-id ${identity.machineId}, Linux ${identity.kernelRelease}`)
  assert.match(identity.machineId, /^[0-9a-f]{32}$/)
  assert.match(identity.kernelPackage, /^linux-image-/, "the kernel is the image's own package")
  assert.equal(identity.hostName, machine.spec.name)
  assert.deepEqual(identity.hostKeys, keyLines(deployment.sshHostKeys), 'the host keys are those the agent reported')
  assert.equal(await shell.run('test -d /sys/firmware/efi && echo uefi'), 'uefi')
  // EDK2 puts entries of its own between them when it restarts, of which `deploy-boot-order` has more.
  const order = await readBootOrder(shell)
  assert.match(order[0] ?? '', /PXEv4/, 'the network stays first')
  assert.ok(order.includes('Bootwright disk'), `the disk has an entry among ${order.join(', ')}`)
  return caseFigures(deployment, secondsToAgent)
}
