import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { StepReporter } from '../../src/agent/step-reporter.ts'
import { chooseAttempts, type WipeFacts } from '../../src/agent/wipe/choose-attempts.ts'
import { DiskWipe } from '../../src/agent/wipe/disk-wipe.ts'
import { DisksNotErased, wipeDisks } from '../../src/agent/wipe/wipe-disks.ts'
import type { WipeMethod } from '../../src/core/errand.ts'
import { DeafDisk, type Deafness } from '../../src/rack/deaf-disk.ts'
import { NbdServer } from '../../src/rack/nbd-server.ts'

const run = promisify(execFile)
const diskBytes = 16 * 2 ** 20
const facts: WipeFacts = { kind: 'virtual', isScsi: false, rotational: false, canDiscard: true, neighbours: [] }

/*
 * A block device of the kernel's that lies: loop device → FUSE file of qemu-storage-daemon → NBD → DeafDisk. Nothing here may wait
 * synchronously, because the disk answers in this process; by direct I/O, or the page cache of the FUSE file would be believed.
 */
async function lyingDevice(
  t: TestContext,
  deafTo: readonly Deafness[],
): Promise<{ device: string; disk: DeafDisk } | undefined> {
  const directory = await mkdtemp(join(tmpdir(), 'lying-disk-'))
  const [socket, file] = [join(directory, 'nbd'), join(directory, 'disk')]
  await writeFile(file, '')
  const disk = new DeafDisk(randomFillSync(Buffer.alloc(diskBytes)), deafTo)
  const server = await NbdServer.listen(socket, disk)
  const daemon = spawn('qemu-storage-daemon', [
    ...['--blockdev', `driver=nbd,node-name=n,server.type=unix,server.path=${socket},discard=unmap`],
    ...['--export', `type=fuse,id=e,node-name=n,mountpoint=${file},writable=on`],
  ])
  const ended = new Promise((resolve) => daemon.on('close', resolve).on('error', resolve))
  let device: string | undefined
  t.after(async () => {
    if (device !== undefined) await run('losetup', ['--detach', device])
    daemon.kill()
    await ended
    await server[Symbol.asyncDispose]()
    await rm(directory, { recursive: true })
  })
  try {
    const deadline = Date.now() + 10_000
    while ((await stat(file)).size !== diskBytes) {
      if (Date.now() > deadline || daemon.exitCode !== null) throw new Error('qemu-storage-daemon exports no disk')
      await wait(20)
    }
    device = (await run('losetup', ['--direct-io=on', '--find', '--show', file])).stdout.trim()
  } catch (error) {
    if (process.env.REQUIRE_INTEROP === '1') throw error
    t.skip('needs root, FUSE, loop devices and qemu-storage-daemon')
    return undefined
  }
  return { device, disk }
}

async function wipe(device: string, method: WipeMethod) {
  const sectors = { logicalSectorBytes: 512, physicalSectorBytes: 512, rotational: false }
  const disk = { device, bus: 'virtio', sizeBytes: diskBytes, ...sectors, removable: false, readOnly: false }
  const one = new DiskWipe(disk, facts, chooseAttempts(facts, method))
  const reporter = new StepReporter(
    'errand',
    async () => {},
    () => {},
  )
  const { signal } = new AbortController()
  const outcome = await wipeDisks([one], { reporter, signal }).catch((error: unknown) => error)
  return { outcome, methods: one.record.attempts.map(({ method, outcome }) => `${method}: ${outcome}`) }
}

function expectFailure(outcome: unknown, step: string, words: RegExp): void {
  assert.ok(outcome instanceof DisksNotErased, `${JSON.stringify(outcome)} is no failure`)
  assert.equal(outcome.step, step)
  assert.match(outcome.message, words)
}

test('a wipe of a disk that acknowledges everything and does nothing fails before anything is erased', async (t) => {
  const lying = await lyingDevice(t, ['writes', 'zeros'])
  if (!lying) return
  const { outcome } = await wipe(lying.device, 'auto')
  expectFailure(outcome, 'plant-canaries', /acknowledges writes and does not keep them \(byte 0 /)
})

test('a wipe of a disk that drops discards fails by discard, and is overwritten by auto', async (t) => {
  const lying = await lyingDevice(t, ['zeros'])
  if (!lying) return
  const { outcome } = await wipe(lying.device, 'discard')
  expectFailure(outcome, 'verify', /NOT erased: after discard: byte 0 holds what should not be there/)
  const { methods } = await wipe(lying.device, 'auto')
  assert.deepEqual(methods, ['discard: not-erased', 'overwriting with zeros: erased'])
  assert.ok(lying.disk.bytes.every((byte) => byte === 0))
})

test('a wipe of a disk that keeps the canaries and then nothing more fails at verify, by every method', async (t) => {
  const lying = await lyingDevice(t, [])
  if (!lying) return
  lying.disk.deafAfterFlush = new Set(['writes', 'zeros'])
  const { outcome, methods } = await wipe(lying.device, 'overwrite')
  expectFailure(
    outcome,
    'verify',
    /after overwriting with zeros: byte 0 holds a canary that was planted there before, and \d+ more/,
  )
  assert.deepEqual(methods, ['overwriting with zeros: not-erased'])
})

test('a wipe of the same device with an honest disk behind it is done', async (t) => {
  const honest = await lyingDevice(t, [])
  if (!honest) return
  const { methods } = await wipe(honest.device, 'auto')
  assert.deepEqual(methods, ['discard: erased'])
  assert.ok(honest.disk.bytes.every((byte) => byte === 0))
})
