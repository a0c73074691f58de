import assert from 'node:assert/strict'
import { join } from 'node:path'
import { readBootOrder } from '../../src/cli/rack/boot-order.ts'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { makeRawDisk } from '../../src/cli/rack/raw-disk.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'

export const rackCase: RackCase = {
  name: 'deploy-boot-order',
  describe:
    "OVMF that drops the disk's boot entry at each start: it is noticed, and the disk starts through its own loader",
  set: 'long',
  run,
}

/** What such firmware starts from is the network alone: `exit` would lead nowhere. */
async function run(site: RackSite): Promise<CaseFigures> {
  const path = join(site.rack.directory, 'unlisted.raw')
  await makeRawDisk(path, 4 * 1024 ** 3)
  const disks = [{ path, format: 'raw' as const, serial: 'UNLISTED', inBootOrder: false }]
  const machine = await site.addMachine({ name: 'boot-order-1', firmware: 'uefi', disks })
  const id = await site.deploy(machine)
  const secondsToAgent = await site.bootAgent(machine)
  const deployment = await site.awaitState(id, 'proved', 10 * 60_000)
  const labels = await readBootOrder(await site.logIn(machine))
  site.log(`boot order: ${labels.join(', ')}`)
  assert.match(labels[0] ?? '', /PXEv4/)
  const notice = deployment.steps.find(({ step }) => step === 'boot-loader')?.notice
  assert.match(notice ?? '', /the firmware (changed its|did not keep the) boot order/)
  assert.ok(
    site.timeline.events.some(({ message }) => message.includes(notice!)),
    'it is in the timeline',
  )
  return caseFigures(deployment, secondsToAgent)
}
