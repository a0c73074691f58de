import assert from 'node:assert/strict'
import { caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { prepareRecipe } from '../../src/cli/rack/prepare-recipe.ts'
import { deployUnderWatchdog, kexecImage } from './deploy-kexec.ts'

/** Its first program hangs where the kernel was started by kexec (recipes/debian-metal.yaml): no panic comes. */
const kernelArguments = ['init=/usr/local/sbin/hang-after-kexec']

export const rackCase: RackCase = {
  name: 'deploy-kexec-hang',
  describe:
    'a system started by kexec hangs: the watchdog brings the machine back through its firmware to the same disk',
  set: 'long',
  longestMinutes: 30,
  prepare: (supplies, log) => prepareRecipe(supplies, kexecImage, log),
  run: async (site) => {
    const machine = await site.addMachine({ name: 'hang-1', firmware: 'bios', watchdog: true })
    const request = { handOver: 'kexec' as const, kernelArguments }
    const { deployment, seconds, secondsToAgent } = await deployUnderWatchdog(
      site,
      machine,
      () => machine.powerOn(),
      request,
    )
    await machine.console.expect(/hanging after kexec/, { timeoutMs: 1000, what: 'that kexec came up, and hung' })
    assert.equal(deployment.handedOverBy, 'kexec-then-reboot')
    assert.ok(site.timeline.events.some(({ message }) => /started by kexec did not stay/.test(message)))
    site.log(`the watchdog ended a hanging kexec: the proof came ${seconds} s after the agent left`)
    const shell = await site.logIn(machine)
    assert.doesNotMatch(await shell.run('cat /proc/cmdline'), /panic=/, 'its kernel was started by the firmware')
    return caseFigures(deployment, secondsToAgent)
  },
}
