import assert from 'node:assert/strict'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { Deployment } from '../../src/core/deployment.ts'
import type { RackMachine } from '../../src/rack/machine.ts'

const bootTimeoutMs = 4 * 60_000
const pageTimeoutMs = 60_000

export const rackCase: RackCase = {
  name: 'menu-provision',
  describe:
    'by keys on the serial console alone: shell, reboot, then image, version, disk, layout to a proved deployment',
  set: 'default',
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: 'menu-1', firmware: 'bios' })
  await site.client.request('PUT', '/api/v1/machines/menu-1', { intent: { kind: 'menu' } })
  const startedAt = Date.now()
  await machine.powerOn()
  await sees(machine, /1 {3}Provision/, 'the menu', bootTimeoutMs)
  const secondsToMenu = (Date.now() - startedAt) / 1000
  site.log(`the menu after ${secondsToMenu.toFixed(1)} s`)
  await useShell(machine)
  site.log('reboot is chosen')
  machine.console.type('3')
  await sees(machine, /The machine restarts/, 'the farewell')
  await sees(machine, /1 {3}Provision/, 'the menu after a restart', bootTimeoutMs)
  await provision(site, machine)
  const deployment = await awaitDeployment(site)
  await site.logIn(machine)
  assert.equal((await site.machines())[0]?.intent.kind, 'local', 'the choice is used up')
  return caseFigures(deployment, secondsToMenu)
}

async function sees(machine: RackMachine, pattern: RegExp, what: string, timeoutMs = pageTimeoutMs) {
  return machine.console.expect(pattern, { timeoutMs, what })
}

/** The shell is on a terminal of its own, and leads back to the menu. */
async function useShell(machine: RackMachine): Promise<void> {
  machine.console.type('2')
  await sees(machine, /bootwright# /, 'the prompt of the shell')
  machine.console.type('echo $((6 * 7)) on $(tty); ls /sys/class/block\r')
  await sees(machine, /42 on \/dev\/pts\/\d+\n.*vda/s, 'the answer of the shell')
  machine.console.type('exit\r')
  await sees(machine, /1 {3}Provision/, 'the menu after the shell')
}

async function provision(site: RackSite, machine: RackMachine): Promise<void> {
  const { console } = machine
  const image = site.supplies.image.split(':')[0]
  console.type('1')
  const [, place] = await sees(machine, new RegExp(`Which image\\?[\\s\\S]*?\\n.(\\d) {3}${image} `), 'the image')
  console.type(place!)
  // Newest first, with date, version, size and tags.
  await sees(
    machine,
    /Which version\?.*\n>1 {3}\d{4}-\d\d-\d\d \d\d:\d\d [0-9a-f]{12} \d\.\d GB +current/,
    'its versions',
  )
  console.type('\r')
  await sees(machine, /Onto which disk\?.*\n>1 {3}vda +\d+\.\d GB +virtio +model unknown +serial \S+/, 'the disk')
  console.type('\r')
  await sees(
    machine,
    /What becomes of the disk\?[\s\S]*Overwrite the whole disk\n>1 {3}whole-disk[\s\S]*x receive/,
    'layouts',
  )
  // Down to what this disk cannot take, which says why and does not lead on, and back.
  console.type('\x1b[A\x1b[A')
  await sees(machine, /Not possible: there is no btrfs filesystem on \/dev\/vda to receive into/, 'the reason')
  console.type('\r1')
  await sees(machine, /Which filesystem\?[\s\S]*>1 {3}ext4/, 'the filesystems')
  console.type('n\x1b[A\r')
  await sees(
    machine,
    /Before\n +no partition table\n[\s\S]*After\n[\s\S]*new: root, ext4, at \//,
    'the disk before and after',
  )
  console.type('no\r')
  console.type('yes\r')
  await sees(
    machine,
    /now +\d+ s +write\b[\s\S]*\[#*\.*\] \d+ of \d+ MB \(\d+ %\), [\d.]+ MB\/s/,
    'progress',
    bootTimeoutMs,
  )
  site.log('its progress is shown')
}

async function awaitDeployment(site: RackSite): Promise<Deployment> {
  const { deployments } = await site.client.request<{ deployments: Deployment[] }>('GET', '/api/v1/deployments/')
  assert.equal(deployments.length, 1)
  assert.ok(deployments[0]!.diskRule.serial, 'the disk is meant by its serial number')
  return site.awaitState(deployments[0]!.id, 'proved')
}
