import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ProgressReport } from '../core/agent-protocol.ts'
import { findReadyLayout } from '../core/ready-layouts.ts'
import type { DeployContext } from './deploy-context.ts'
import { type LoopDisk, loopDisk } from './disk/loop-disk.fixture.ts'
import { Mounts } from './disk/mounts.ts'
import { type PreparedDisk, prepareDisk } from './prepare-disk.ts'
import { StepReporter } from './step-reporter.ts'

type Attempt = { prepared: PreparedDisk; told: string; hasFile: boolean }

/** One attempt of a tree on the disk: what it says of the disk, and whether a file of the attempt before is there. */
async function attempt(loop: LoopDisk, goesOn: boolean): Promise<Attempt> {
  const reports: ProgressReport[] = []
  const reporter = new StepReporter(
    'd1',
    async (report) => void reports.push(report),
    () => {},
  )
  const order = { diskRule: {}, layout: findReadyLayout('whole-disk')!, rendition: 'tree', filesystem: 'ext4', goesOn }
  const context = {
    order,
    reporter,
    inventory: { disks: [loop.attach()], firmware: 'bios', architecture: 'x64' },
    signal: new AbortController().signal,
    rootDirectory: join(loop.directory, 'root'),
  } as unknown as DeployContext
  await using mounts = new Mounts()
  try {
    const prepared = await prepareDisk(context, mounts, loop.locate)
    const file = join(context.rootDirectory, 'of-the-attempt-before')
    const hasFile = existsSync(file)
    writeFileSync(file, 'written')
    await mounts.unmountAll()
    await reporter.delivered()
    const told = reports.find(({ step, state }) => step === 'select-disk' && state === 'done')?.detail ?? ''
    return { prepared, told, hasFile }
  } finally {
    await mounts[Symbol.asyncDispose]()
    loop.detach()
  }
}

test('planAttempt() keeps the root that the attempt before made, and makes the rest again', async (t) => {
  const loop = loopDisk(t, 4 * 2 ** 30, 512)
  if (loop === undefined) return
  const first = await attempt(loop, false)
  const second = await attempt(loop, true)
  t.assert.match(second.told, /goes on with the root filesystem of the attempt before$/)
  t.assert.equal(second.hasFile, true)
  const [before, after] = [first.prepared.filesystems, second.prepared.filesystems]
  t.assert.deepEqual([after.root.content, after.root.uuid], ['kept', before.root.uuid])
  t.assert.equal(after.esp?.content, 'made')
  t.assert.notEqual(after.esp?.uuid, before.esp?.uuid)

  const third = await attempt(loop, false)
  t.assert.equal(third.hasFile, false, 'an order that does not go on begins anew')
})

test('planAttempt() begins anew on another disk, and on a filesystem that is not sound', async (t) => {
  const loop = loopDisk(t, 4 * 2 ** 30, 512)
  if (loop === undefined) return
  const blank = await attempt(loop, true)
  t.assert.match(blank.told, /begins anew: the layout whole-disk does not fit .* no partition table/)

  const root = blank.prepared.plan.partitions.find(({ role }) => role === 'root')!
  // The first inodes, the root directory's among them; the superblock is left.
  const damage = [`of=${loop.file}`, 'if=/dev/urandom', 'bs=64K', 'count=64', 'conv=notrunc', 'oflag=seek_bytes']
  execFileSync('dd', [...damage, `seek=${root.startBytes + 64 * 1024}`], { stdio: 'pipe' })
  const damaged = await attempt(loop, true)
  t.assert.match(damaged.told, /begins anew: "e2fsck -f -n .*" ended with/)
  t.assert.equal(damaged.hasFile, false)
  t.assert.equal(damaged.prepared.filesystems.root.content, 'made')
})
