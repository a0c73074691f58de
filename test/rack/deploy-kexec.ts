import assert from 'node:assert/strict'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { readIdentity } from '../../src/cli/rack/identity.ts'
import { prepareRecipe } from '../../src/cli/rack/prepare-recipe.ts'
import type { DeployRequest, RackSite } from '../../src/cli/rack/site.ts'
import type { Deployment } from '../../src/core/deployment.ts'
import type { RackMachine } from '../../src/rack/machine.ts'

const image = 'debian-metal'
const model = 'Virtual rack machine'
const deployTimeoutMs = 8 * 60_000
/** The watchdog has 300 s, and the machine starts twice. */
const hangTimeoutMs = 15 * 60_000

export const rackCase: RackCase = {
  name: 'deploy-kexec',
  describe: 'by the firmware, by kexec (chosen for the model), and by a kexec that hangs, which a watchdog ends; UEFI',
  set: 'long',
  longestMinutes: 40,
  prepare: (supplies, log) => prepareRecipe(supplies, image, log),
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: 'kexec-1', firmware: 'uefi', watchdog: true })
  const byFirmware = await deploy(site, machine, () => machine.powerOn())
  assert.equal(byFirmware.deployment.handedOverBy, 'reboot')

  await site.client.request('PUT', `/api/v1/hand-over/model/${encodeURIComponent(model)}`, { handOver: 'kexec' })
  const byKexec = await deploy(site, machine, () => machine.reset())
  assert.equal(byKexec.deployment.handedOverBy, 'kexec')
  site.log(`hand-over by reboot ${byFirmware.seconds} s, by kexec ${byKexec.seconds} s`)
  const shell = await site.logIn(machine)
  assert.equal((await readIdentity(shell)).hostName, 'kexec-1')
  assert.match(await shell.run('cat /proc/cmdline'), /panic=30/, 'its kernel was started by the agent')
  assert.match(await shell.run('grep -h . /sys/class/watchdog/watchdog*/identity'), /i6300ESB/, 'it has its watchdog')
  assert.equal(await shell.run('systemctl list-unit-files | grep -c bootwright-watchdog || true'), '0')

  const kernelArguments = ['init=/usr/local/sbin/hang-after-kexec']
  const hanging = await deploy(site, machine, () => machine.reset(), { kernelArguments })
  assert.ok(site.timeline.events.some(({ message }) => /started by kexec did not stay/.test(message)))
  assert.equal(hanging.deployment.handedOverBy, 'kexec-then-reboot')
  site.log(`a kexec that hangs was ended by the watchdog: ${hanging.seconds} s`)
  const again = await site.logIn(machine)
  assert.doesNotMatch(await again.run('cat /proc/cmdline'), /panic=/, 'its kernel was started by the firmware')
  return caseFigures(byKexec.deployment, byFirmware.secondsToAgent)
}

async function deploy(
  site: RackSite,
  machine: RackMachine,
  start: () => Promise<void>,
  request: DeployRequest = {},
): Promise<{ deployment: Deployment; seconds: string; secondsToAgent: number }> {
  const id = await site.deploy(machine, { image, proofSeconds: hangTimeoutMs / 1000, ...request })
  const startedAt = Date.now()
  machine.console.skipToNow()
  await start()
  const agent = await site.timeline.waitFor(({ kind, at }) => kind === 'agent' && at >= startedAt, {
    timeoutMs: deployTimeoutMs,
    what: 'the agent',
  })
  await site.awaitState(id, 'handed-over', deployTimeoutMs)
  const deployment = await site.awaitState(id, 'proved', hangTimeoutMs)
  const seconds = deployment.handOverSeconds?.toFixed(1) ?? '?'
  return { deployment, seconds, secondsToAgent: (agent.at - startedAt) / 1000 }
}
