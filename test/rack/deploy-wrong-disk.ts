import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'

const diskBytes = 1024 ** 3
const dataBytes = 1024 ** 2

export const rackCase: RackCase = {
  name: 'deploy-wrong-disk',
  describe: 'the disk rule matches none: the failure names the disks that were seen, and the disk is untouched',
  set: 'default',
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const path = join(site.rack.directory, 'keep.raw')
  await makeDisk(path)
  const before = await hashFile(path)
  const disks = [{ path, format: 'raw' as const, serial: 'KEEP-THIS-DISK' }]
  const machine = await site.addMachine({ name: 'wrong-disk-1', firmware: 'bios', disks })
  const id = await site.deploy(machine, { disk: { serial: 'ANOTHER-DISK' } })
  const secondsToAgent = await site.bootAgent(machine)
  const deployment = await site.awaitState(id, 'failed')
  assert.equal(deployment.step, 'select-disk', 'the failure names its step')
  for (const part of [/no disk matches/, /serial=ANOTHER-DISK/, /KEEP-THIS-DISK/])
    assert.match(deployment.failure ?? '', part)
  await machine.console.expect(/KEEP-THIS-DISK/, { timeoutMs: 60_000, what: 'the disks that were seen' })
  assert.equal(deployment.bytesWritten, 0)
  await machine.powerOff()
  assert.equal(await hashFile(path), before, 'the disk is untouched')
  return caseFigures(deployment, secondsToAgent)
}

/** Somebody's data at both ends of the disk. */
async function makeDisk(path: string): Promise<void> {
  await using file = await open(path, 'w')
  await file.truncate(diskBytes)
  await file.write(randomBytes(dataBytes), 0, dataBytes, 0)
  await file.write(randomBytes(dataBytes), 0, dataBytes, diskBytes - dataBytes)
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: dataBytes }), hash)
  return hash.digest('hex')
}
