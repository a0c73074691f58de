import assert from 'node:assert/strict'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { prepareRecipe } from '../../src/cli/rack/prepare-recipe.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { Shell } from '../../src/rack/login.ts'

const agentTimeoutMs = 10 * 60_000
const deployTimeoutMs = 15 * 60_000
const loaderTimeoutMs = 6 * 60_000
/** EDK2 waits for PXE and for HTTP before it goes on to the disk, and all of it is emulated, with SMM. */
const aloneTimeoutMs = 15 * 60_000
const image = 'debian-secure-boot'

export const rackCase: RackCase = {
  name: 'boot-secureboot',
  describe: "under Secure Boot a machine is deployed, kexecs, and boots its disk by the server's script and without it",
  set: 'long',
  prepare: (supplies, log) => prepareRecipe(supplies, image, log),
  serveOptions: ['--loader', 'shim'],
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: 'secure-1', firmware: 'uefi', secureBoot: true, memoryMiB: 1024 })
  const id = await site.deploy(machine, { image, handOver: 'kexec' })
  const secondsToAgent = await site.bootAgent(machine, agentTimeoutMs)
  await machine.console.expect(/Secure boot enabled/i, { timeoutMs: agentTimeoutMs, what: "the agent's kernel" })
  await machine.console.expect(/firmware UEFI with Secure Boot/, { timeoutMs: agentTimeoutMs, what: 'the inventory' })
  const deployment = await site.awaitState(id, 'proved', deployTimeoutMs)
  await assertSecure(await site.logIn(machine, loaderTimeoutMs))

  site.log('the intent is local now; the machine is power-cycled')
  machine.console.skipToNow()
  await machine.powerCycle()
  const started = { timeoutMs: loaderTimeoutMs, what: "the disk's shim" }
  await machine.console.expect(/Bootwright: starting \/EFI\/debian\/shimx64\.efi/, started)
  await assertSecure(await site.logIn(machine))

  site.log('the server is stopped and the machine power-cycled')
  await site.service.stop()
  await machine.powerCycle()
  machine.console.skipToNow()
  await assertSecure(await site.logIn(machine, aloneTimeoutMs))
  return caseFigures(deployment, secondsToAgent)
}

/** Four bytes of attributes stand before a variable's value. */
const secureBootVariable = '/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c'

async function assertSecure(shell: Shell): Promise<void> {
  const value = await shell.run(`od -An -tu1 -j4 ${secureBootVariable} | tr -d ' '`)
  assert.equal(value, '1', 'the firmware says that Secure Boot is on')
  assert.match(await shell.run('cat /sys/kernel/security/lockdown'), /\[integrity\]/, 'the kernel is locked down')
}
