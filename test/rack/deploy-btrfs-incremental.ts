import assert from 'node:assert/strict'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { type MachineIdentity, readIdentity } from '../../src/cli/rack/identity.ts'
import { prepareSecondVersion, secondVersion } from '../../src/cli/rack/second-version.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { Deployment } from '../../src/core/deployment.ts'
import type { RackMachine } from '../../src/rack/machine.ts'

const menuTimeoutMs = 3 * 60_000

export const rackCase: RackCase = {
  name: 'deploy-btrfs-incremental',
  describe:
    'a UEFI machine gets the difference to a second version, and is rolled back to the first; /home and keys stay',
  set: 'long',
  prepare: prepareSecondVersion,
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: 'btrfs-2', firmware: 'uefi' })
  const first = await site.deploy(machine, { rendition: 'btrfs', layout: 'versions' })
  const secondsToAgent = await site.bootAgent(machine)
  const whole = await site.awaitState(first, 'proved')
  const identity = await look(site, machine, async (shell) => {
    await shell.run('echo mine >~/mine; sync')
    return readIdentity(shell)
  })

  const second = await site.deploy(machine, { rendition: 'btrfs', image: secondVersion.image })
  const difference = await boot(site, machine, second)
  site.log(`fetched ${whole.bytesFetched} bytes, then ${difference.bytesFetched}`)
  assert.ok(difference.bytesFetched < whole.bytesFetched / 20, 'only the difference is fetched')
  assert.deepEqual(difference.keptVersions, [difference.version, whole.version])
  await assertSystem(site, machine, identity, secondVersion.text)

  const answer = await site.client.request<{ deployment: Deployment }>('POST', '/api/v1/deployments/rollback', {
    machine: machine.spec.name,
  })
  const back = await boot(site, machine, answer.deployment.id)
  assert.deepEqual([back.version, back.bytesFetched], [whole.version, 0])
  await assertSystem(site, machine, identity, '')

  await chooseSecondEntry(site, machine)
  await assertSystem(site, machine, identity, secondVersion.text)
  return caseFigures(difference, secondsToAgent)
}

async function boot(site: RackSite, machine: RackMachine, deploymentId: string): Promise<Deployment> {
  machine.console.skipToNow()
  await machine.reset()
  return site.awaitState(deploymentId, 'proved')
}

/** As a person would at the console, who has two seconds for it; the machine's clock does not wait for ours. */
async function chooseSecondEntry(site: RackSite, machine: RackMachine): Promise<void> {
  machine.console.skipToNow()
  await machine.reset()
  await machine.console.expect(/GNU GRUB/, { timeoutMs: menuTimeoutMs, what: "GRUB's menu" })
  machine.console.type('\x1b[B\r')
  site.log('the second entry of the menu was chosen')
}

async function look<T>(site: RackSite, machine: RackMachine, work: (shell: Shell) => Promise<T>): Promise<T> {
  return work(await site.logIn(machine))
}

type Shell = Awaited<ReturnType<RackSite['logIn']>>

/** `updated`: what the second version has and the first has not. */
function assertSystem(site: RackSite, machine: RackMachine, identity: MachineIdentity, updated: string): Promise<void> {
  return look(site, machine, async (shell) => {
    assert.equal(await shell.run(`cat ${secondVersion.file} 2>/dev/null`), updated)
    assert.equal(await shell.run('cat ~/mine'), 'mine', '/home outlives the versions')
    assert.deepEqual(await readIdentity(shell), identity, 'the machine is known by the same keys')
  })
}
