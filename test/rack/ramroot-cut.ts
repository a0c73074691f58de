import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import type { CaseFigures, RackCase } from '../../src/cli/rack/case.ts'
import { awaitRamrootUp, orderRamroot, prepareRamRoot, ramrootBoots } from '../../src/cli/rack/ramroot-machine.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { RackMachine } from '../../src/rack/machine.ts'
import { setPort, slowPort } from '../../src/rack/switch.ts'

export const rackCase: RackCase = {
  name: 'ramroot-cut',
  describe:
    'while the root is fetched the network is away for a minute and the server is killed: the machine goes on where it was, and comes up',
  set: 'long',
  prepare: (supplies, log) => prepareRamRoot(supplies, supplies.image, 'squashfs', log),
  run,
}

/** So that the fetch takes a minute and a half, and is interrupted in its first and second half. */
const bitsPerSecond = 5_600_000
const cutMs = 60_000

async function run(site: RackSite): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: 'cut-1', firmware: 'bios', memoryMiB: 768, disks: [] })
  const [port] = machine.ports as [string]
  assert.equal((await orderRamroot(site, machine, { rendition: 'squashfs' })).refused, undefined)
  const startedAt = Date.now()
  const secondsToAgent = await site.bootAgent(machine)
  await slowPort(port, bitsPerSecond)

  await progress(machine)
  await setPort(port, 'down')
  site.log('the network is away')
  await wait(cutMs)
  await cutOff(machine)
  await setPort(port, 'up')
  site.log('the network is back')

  await progress(machine)
  await progress(machine)
  await site.service.kill()
  site.log('the server was killed')
  await cutOff(machine)
  await site.service.start()
  site.log('the server is up again')

  await site.logIn(machine, 10 * 60_000)
  await awaitRamrootUp(site, startedAt)
  const fetched = [...machine.console.words.matchAll(/\] (\d+) of \d+ MiB/g)].map(([, megabytes]) => Number(megabytes))
  assert.deepEqual(
    fetched,
    fetched.toSorted((a, b) => a - b),
    'it never began anew',
  )
  const boots = await ramrootBoots(site, machine)
  assert.deepEqual(
    boots.map(({ state }) => state),
    ['up'],
    'in one boot',
  )
  await machine.powerOff()
  return { secondsToAgent, bytesFetched: boots[0]!.bytesFetched, bytesWritten: 0, bytesReused: 0, steps: [] }
}

async function progress(machine: RackMachine): Promise<void> {
  await machine.console.expect(/\] [1-9]\d* of \d+ MiB/, { timeoutMs: 3 * 60_000, what: 'progress of the fetch' })
}

async function cutOff(machine: RackMachine): Promise<void> {
  await machine.console.expect(/cut off at \d+ of \d+ MiB/, {
    timeoutMs: 3 * 60_000,
    what: 'that the fetch was cut off',
  })
}
