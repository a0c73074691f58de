import assert from 'node:assert/strict'
import type { CaseFigures, RackCase } from '../../src/cli/rack/case.ts'
import { awaitRamrootUp, orderRamroot, prepareRamRoot, ramrootBoots } from '../../src/cli/rack/ramroot-machine.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { RackMachine } from '../../src/rack/machine.ts'

export const rackCase: RackCase = {
  name: 'ramroot-squashfs',
  describe:
    'a machine without a disk runs a version from memory, is the same machine after a power cycle, and keeps nothing else',
  set: 'default',
  prepare: (supplies, log) => prepareRamRoot(supplies, supplies.image, 'squashfs', log),
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: 'ram-1', firmware: 'bios', memoryMiB: 768, disks: [] })
  const placed = await orderRamroot(site, machine, { rendition: 'squashfs' })
  assert.equal(placed.refused, undefined)
  const first = await bootAndLook(site, machine, () => machine.powerOn())
  const second = await bootAndLook(site, machine, () => machine.powerCycle())
  assert.deepEqual(second.identity, first.identity, 'the machine is the same at every boot')
  assert.equal(second.leftover, '', 'what was written is gone')
  const [boot] = await ramrootBoots(site, machine)
  assert.equal(boot?.state, 'up')
  return { secondsToAgent: first.seconds, bytesFetched: boot.bytesFetched, bytesWritten: 0, bytesReused: 0, steps: [] }
}

async function bootAndLook(site: RackSite, machine: RackMachine, start: () => Promise<void>) {
  const startedAt = Date.now()
  machine.console.skipToNow()
  await start()
  const shell = await site.logIn(machine)
  const seconds = Math.round((Date.now() - startedAt) / 100) / 10
  await awaitRamrootUp(site, startedAt)
  const identity = {
    machineId: await shell.run('cat /etc/machine-id'),
    hostName: await shell.run('hostname'),
    hostKeys: await shell.run('cat /etc/ssh/ssh_host_*_key.pub'),
  }
  assert.equal(identity.hostName, machine.spec.name)
  assert.match(identity.machineId, /^[0-9a-f]{32}$/)
  assert.match(identity.hostKeys, /^ssh-ed25519 \S+ root@ram-1$/)
  assert.equal(await shell.run('findmnt -n -o FSTYPE /'), 'overlay')
  assert.equal(await shell.run('ls -d /run/bootwright/talk 2>/dev/null || true'), '', "this boot's secrets are gone")
  const leftover = await shell.run('cat /tmp/leftover 2>/dev/null || true')
  await shell.run('echo kept > /tmp/leftover')
  const used = await shell.run("awk '/MemTotal|MemAvailable/ { print $2 }' /proc/meminfo | xargs")
  site.log(`login after ${seconds} s; MemTotal and MemAvailable in KiB: ${used}`)
  return { seconds, identity, leftover }
}
