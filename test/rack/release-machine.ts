import assert from 'node:assert/strict'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { readBootOrder } from '../../src/cli/rack/boot-order.ts'
import { bootwright } from '../../src/cli/rack/bootwright.ts'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { makeRawDisk } from '../../src/cli/rack/raw-disk.ts'
import { importSecondVersion, secondVersion } from '../../src/cli/rack/second-version.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { Machine } from '../../src/core/machine.ts'
import type { RackMachine } from '../../src/rack/machine.ts'

const stateTimeoutMs = 12 * 60_000
const releaseTimeoutMs = 15 * 60_000
const name = 'release-1'

export const rackCase: RackCase = {
  name: 'release-machine',
  describe:
    "a deployed UEFI machine is given back: its disk is empty, its firmware has no entry for it, it is ready, and is somebody else's with another image",
  set: 'long',
  longestMinutes: 45,
  prepare: async (supplies) => void (await importSecondVersion(supplies)),
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const path = join(site.rack.directory, 'release.raw')
  await makeRawDisk(path, 4 * 1024 ** 3)
  const disks = [{ path, format: 'raw' as const, serial: 'RELEASE' }]
  const machine = await site.addMachine({ name, firmware: 'uefi', disks })
  await operate(site, ['machine', 'set', name, '--group', 'web', '--label', 'rack=3'])
  const first = await site.deploy(machine)
  await machine.powerOn()
  const before = await site.awaitState(first, 'proved', stateTimeoutMs)
  const order = await readBootOrder(await site.logIn(machine))
  assert.ok(order.includes('Bootwright disk'), `the disk has an entry among ${order.join(', ')}`)

  await release(site, machine)
  assert.equal((await site.deployment(first)).state, 'wiped')
  await expectReady(site)
  await machine.powerOff()
  await expectEmpty(path)
  site.log('the host finds nothing on its disk')

  await putEntriesHook(site)
  await operate(site, ['deploy', name, '--image', secondVersion.image])
  const [{ id }] = await deploymentsOf(site)
  machine.console.skipToNow()
  const secondsToAgent = await site.bootAgent(machine)
  const second = await site.awaitState(id, 'proved', stateTimeoutMs)
  const entries = second.steps.find(({ step }) => step === 'before-partition')?.output ?? []
  site.log(`the firmware's entries after the wipe: ${entries.join('; ')}`)
  assert.match(entries.join('\n'), /PXEv4/)
  assert.doesNotMatch(entries.join('\n'), /Bootwright disk/)
  const shell = await site.logIn(machine)
  assert.equal(await shell.run(`cat ${secondVersion.file}`), secondVersion.text)
  assert.notDeepEqual(second.sshHostKeys, before.sshHostKeys)
  assert.equal((await known(site)).state, 'deployed')
  return caseFigures(second, secondsToAgent)
}

/** As an operator does it: says so, and restarts the machine. */
async function release(site: RackSite, machine: RackMachine): Promise<void> {
  const released = bootwright(site, ['release', name, '--yes', '--follow'], releaseTimeoutMs)
  const queued = { timeoutMs: 60_000, what: 'the order' }
  await site.timeline.waitFor(({ kind, data }) => kind === 'errand' && data?.state === 'queued', queued)
  await machine.powerCycle()
  const { status, output } = await released
  assert.equal(status, 0, output)
  assert.match(output, /release-1: wipe done/)
  assert.match(output, /serial RELEASE\]: erased by discard/)
  const told = site.timeline.events.find(({ kind, data }) => kind === 'errand' && data?.state === 'done')
  site.log(told?.message ?? '')
  assert.match(told?.message ?? '', /boot entries of what was wiped are removed: [0-9A-F]{4} Bootwright disk/)
}

/** What it was approved as stays; nothing of what it had is counted on. */
async function expectReady(site: RackSite): Promise<void> {
  const { group, labels, state, intent, standing } = await known(site)
  assert.deepEqual(
    { group, labels, state, intent: intent.kind, standing: standing.kind },
    { group: 'web', labels: { rack: '3' }, state: 'ready', intent: 'discover', standing: 'discover' },
  )
}

/** Every byte, as the host sees them. */
async function expectEmpty(path: string): Promise<void> {
  await using file = await open(path, 'r')
  const piece = 4 * 2 ** 20
  const zeros = Buffer.alloc(piece)
  let at = 0
  for await (const bytes of file.createReadStream({ highWaterMark: piece, autoClose: false })) {
    assert.ok(zeros.subarray(0, bytes.length).equals(bytes), `something is left behind byte ${at}`)
    at += bytes.length
  }
  assert.equal(at, 4 * 1024 ** 3)
}

/** What the firmware has before the next deployment adds its own. */
async function putEntriesHook(site: RackSite): Promise<void> {
  const script = '#!/bin/sh\nefibootmgr\n'
  await site.client.request('PUT', `/api/v1/hooks/machine/${name}/before-partition`, { script, timeoutSeconds: 60 })
}

async function deploymentsOf({ client }: RackSite): Promise<[{ id: string }]> {
  return (await client.request<{ deployments: [{ id: string }] }>('GET', '/api/v1/deployments/')).deployments
}

async function known({ client }: RackSite): Promise<Machine & { state: string }> {
  return (await client.request<{ machine: Machine & { state: string } }>('GET', `/api/v1/machines/${name}`)).machine
}

async function operate(site: RackSite, words: readonly string[]): Promise<void> {
  const { status, output } = await bootwright(site, words)
  assert.equal(status, 0, output)
}
