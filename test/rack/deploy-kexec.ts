import assert from 'node:assert/strict'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { readIdentity } from '../../src/cli/rack/identity.ts'
import { prepareRecipe } from '../../src/cli/rack/prepare-recipe.ts'
import type { DeployRequest, RackSite } from '../../src/cli/rack/site.ts'
import type { Deployment } from '../../src/core/deployment.ts'
import type { RackMachine } from '../../src/rack/machine.ts'

/** The trial's, with a kernel that knows watchdogs. */
export const kexecImage = 'debian-metal'
const model = 'Virtual rack machine'
const timeoutMs = 15 * 60_000

export const rackCase: RackCase = {
  name: 'deploy-kexec',
  describe:
    'a UEFI machine is left by its firmware, and by kexec, chosen for its model, under its watchdog; both are timed',
  set: 'long',
  longestMinutes: 30,
  prepare: (supplies, log) => prepareRecipe(supplies, kexecImage, log),
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: 'kexec-1', firmware: 'uefi', watchdog: true })
  const byFirmware = await deployUnderWatchdog(site, machine, () => machine.powerOn())
  assert.equal(byFirmware.deployment.handedOverBy, 'reboot')

  await site.client.request('PUT', `/api/v1/hand-over/model/${encodeURIComponent(model)}`, { handOver: 'kexec' })
  const byKexec = await deployUnderWatchdog(site, machine, () => machine.reset())
  assert.equal(byKexec.deployment.handedOverBy, 'kexec')
  assert.match(byKexec.farewell, /the watchdog \w+ asks the firmware again in \d+ s/)
  site.log(`hand-over by reboot ${byFirmware.seconds} s, by kexec ${byKexec.seconds} s`)
  const shell = await site.logIn(machine)
  assert.equal((await readIdentity(shell)).hostName, 'kexec-1')
  assert.match(await shell.run('cat /proc/cmdline'), /panic=30/, 'its kernel was started by the agent')
  const unit = '/etc/systemd/system/bootwright-watchdog.service'
  const isGone = await shell.run(
    `for i in $(seq 100); do [ -e ${unit} ] || { echo gone; break; }; sleep 1; done`,
    120_000,
  )
  assert.equal(isGone, 'gone', 'the deployed system took the watchdog over')
  return caseFigures(byKexec.deployment, byFirmware.secondsToAgent)
}

/** Until the proof; `farewell` is what the agent said of its leaving. */
export async function deployUnderWatchdog(
  site: RackSite,
  machine: RackMachine,
  start: () => Promise<void>,
  request: DeployRequest = {},
): Promise<{ deployment: Deployment; seconds: string; farewell: string; secondsToAgent: number }> {
  const id = await site.deploy(machine, { image: kexecImage, proofSeconds: timeoutMs / 1000, ...request })
  const startedAt = Date.now()
  machine.console.skipToNow()
  await start()
  const agent = await site.timeline.waitFor(({ kind, at }) => kind === 'agent' && at >= startedAt, {
    timeoutMs,
    what: 'the agent',
  })
  const deployment = await site.awaitState(id, 'proved', 2 * timeoutMs)
  const isFarewell = ({ deploymentId, data }: { deploymentId?: string; data?: Record<string, unknown> }) =>
    deploymentId === id && data?.step === 'hand-over' && data.state === 'done'
  return {
    deployment,
    seconds: deployment.handOverSeconds?.toFixed(1) ?? '?',
    farewell: site.timeline.events.findLast(isFarewell)?.message ?? '',
    secondsToAgent: (agent.at - startedAt) / 1000,
  }
}
