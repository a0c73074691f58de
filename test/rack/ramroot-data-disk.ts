import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { CaseFigures, RackCase } from '../../src/cli/rack/case.ts'
import { makeSpeakingDisk } from '../../src/cli/rack/make-speaking-disk.ts'
import { awaitRamrootUp, orderRamroot, prepareRamRoot } from '../../src/cli/rack/ramroot-machine.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import { runProgram } from '../../src/programs/run-program.ts'
import type { RackMachine } from '../../src/rack/machine.ts'

const dataDisks = [
  { label: 'data', mount: '/data', disk: { serial: 'EMPTY' } },
  { label: 'other', mount: '/other', disk: { serial: 'FOREIGN' } },
]

export const rackCase: RackCase = {
  name: 'ramroot-data-disk',
  describe:
    'an empty disk named for it gets the data filesystem, which survives; a disk with something on it is left alone',
  set: 'long',
  prepare: (supplies, log) => prepareRamRoot(supplies, supplies.image, 'squashfs', log),
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const [empty, foreign] = ['empty.raw', 'foreign.raw'].map((name) => join(site.rack.directory, name)) as [
    string,
    string,
  ]
  await runProgram('truncate', ['-s', '256M', empty])
  await makeSpeakingDisk(foreign, { firmware: 'bios' })
  const before = await runProgram('sha256sum', [foreign])
  const disks = [
    { path: empty, format: 'raw' as const, serial: 'EMPTY' },
    { path: foreign, format: 'raw' as const, serial: 'FOREIGN', inBootOrder: false },
  ]
  const machine = await site.addMachine({ name: 'data-1', firmware: 'bios', memoryMiB: 768, disks })
  assert.equal((await orderRamroot(site, machine, { rendition: 'squashfs', dataDisks })).refused, undefined)
  const first = await boot(site, machine, () => machine.powerOn())
  assert.match(first.notices, /data was made on vda, which was empty/)
  assert.match(first.notices, /vdb is not empty .*other was not made/)
  assert.equal(await first.shell.run('sudo -n true 2>/dev/null && echo yes || echo no'), 'no')
  await first.shell.run("echo bootwright | sudo -S sh -c 'echo kept > /data/kept; sync' 2>/dev/null")
  const second = await boot(site, machine, () => machine.powerCycle())
  assert.equal(await second.shell.run('cat /data/kept'), 'kept')
  assert.doesNotMatch(second.notices, /was made on/)
  await machine.powerOff()
  assert.equal(await runProgram('sha256sum', [foreign]), before, 'nothing was written to the other disk')
  return { secondsToAgent: 0, bytesFetched: 0, bytesWritten: 0, bytesReused: 0, steps: [] }
}

async function boot(site: RackSite, machine: RackMachine, start: () => Promise<void>) {
  const startedAt = Date.now()
  machine.console.skipToNow()
  await start()
  const shell = await site.logIn(machine)
  await awaitRamrootUp(site, startedAt)
  const notices = site.timeline.events
    .filter(({ kind, at, data }) => kind === 'ramroot' && at >= startedAt && data?.step === 'notice')
    .map(({ message }) => message)
    .join('\n')
  return { shell, notices }
}
