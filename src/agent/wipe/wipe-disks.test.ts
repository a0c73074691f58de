import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import type { ProgressReport } from '../../core/agent-protocol.ts'
import type { WipeMethod } from '../../core/errand.ts'
import type { Disk } from '../../core/inventory.ts'
import { loopDisk } from '../disk/loop-disk.fixture.ts'
import { StepReporter } from '../step-reporter.ts'
import { chooseAttempts, type DiskKind, type WipeFacts } from './choose-attempts.ts'
import { DiskWipe } from './disk-wipe.ts'
import { refuseInUse } from './free-disk.ts'
import { readFacts } from './read-facts.ts'
import { standInProgram } from './stand-in-program.fixture.ts'
import { DisksNotErased, wipeDisks } from './wipe-disks.ts'

const mib = 2 ** 20
const diskBytes = 24 * mib
const { signal } = new AbortController()
const virtual: DiskKind = { kind: 'virtual', isScsi: false }
const nvme: DiskKind = {
  kind: 'nvme',
  abilities: {
    sanitize: { crypto: false, block: true, overwrite: false },
    ...{ format: true, formatCrypto: false, formatOfAll: false },
  },
}

/** A loop device full of noise, which is on the disk and in `data`. */
function fullDisk(t: TestContext): { disk: Disk; file: string; data: Buffer } | undefined {
  const made = loopDisk(t, diskBytes, 512)
  if (made === undefined) return undefined
  const data = randomFillSync(Buffer.alloc(diskBytes))
  const fd = openSync(made.file, 'r+')
  writeSync(fd, data)
  closeSync(fd)
  return { disk: made.attach(), file: made.file, data }
}

function factsOf(kind: DiskKind): WipeFacts {
  return { ...kind, rotational: false, canDiscard: true, neighbours: [] }
}

function wipeOf(disk: Disk, kind: DiskKind, method: WipeMethod = 'auto'): DiskWipe {
  const facts = factsOf(kind)
  return new DiskWipe(disk, facts, chooseAttempts(facts, method))
}

async function run(wipes: readonly DiskWipe[]) {
  const reports: ProgressReport[] = []
  const reporter = new StepReporter(
    'errand',
    async (report) => void reports.push(report),
    () => {},
  )
  const outcome = await wipeDisks(wipes, { reporter, signal }).catch((error: unknown) => error)
  await reporter.delivered()
  return { outcome, steps: reports.filter(({ state }) => state === 'done').map(({ step }) => step) }
}

/** Pieces of 512 bytes of what was on it that are still in its file. */
function piecesLeft(file: string, data: Buffer): number {
  const now = readFileSync(file)
  let left = 0
  for (let at = 0; at < diskBytes; at += 512) {
    if (now.subarray(at, at + 512).equals(data.subarray(at, at + 512))) left++
  }
  return left
}

/** A program that acknowledges everything and does nothing. */
const liar = 'exit 0\n'

test('wipeDisks() discards a disk that gives zeros back, and leaves nothing of what was there', async (t) => {
  const full = fullDisk(t)
  if (!full) return
  const wipe = wipeOf(full.disk, virtual)
  const { outcome, steps } = await run([wipe])
  assert.ok(!(outcome instanceof Error), String(outcome))
  assert.deepEqual(steps, ['plant-canaries', 'erase', 'verify'])
  assert.deepEqual(
    wipe.record.attempts.map(({ method, outcome }) => [method, outcome]),
    [['discard', 'erased']],
  )
  assert.match(wipe.record.attempts[0]!.verification!, new RegExp(`${diskBytes} bytes read`))
  assert.equal(piecesLeft(full.file, full.data), 0)
})

test('wipeDisks() overwrites a disk whose discard does nothing, and fails where discard alone is asked for', async (t) => {
  const full = fullDisk(t)
  if (!full) return
  standInProgram(t, 'blkdiscard', liar)
  const alone = wipeOf(full.disk, virtual, 'discard')
  const { outcome, steps } = await run([alone])
  assert.ok(outcome instanceof DisksNotErased)
  assert.equal(outcome.step, 'verify')
  assert.match(outcome.message, /NOT erased: after discard: byte 0 holds what should not be there/)
  assert.deepEqual(steps, ['plant-canaries', 'erase', 'verify'])
  const wipe = wipeOf(full.disk, virtual)
  await run([wipe])
  assert.deepEqual(
    wipe.record.attempts.map(({ method, outcome }) => [method, outcome]),
    [
      ['discard', 'not-erased'],
      ['overwriting with zeros', 'erased'],
    ],
  )
  assert.equal(piecesLeft(full.file, full.data), 0)
})

test('wipeDisks() fails at verify when a format says success and erases nothing: a canary survives', async (t) => {
  const full = fullDisk(t)
  if (!full) return
  standInProgram(t, 'nvme', 'echo "Success formatting namespace:1"\n')
  const wipe = wipeOf(full.disk, nvme, 'format')
  const { outcome } = await run([wipe])
  assert.ok(outcome instanceof DisksNotErased)
  assert.equal(outcome.step, 'verify')
  assert.match(
    outcome.message,
    /NOT erased: after NVMe format, user data erase: byte 0 holds a canary that was planted there before, and \d+ more/,
  )
  const [tried] = outcome.result.disks[0]!.attempts
  assert.deepEqual([tried?.outcome, tried?.answer], ['not-erased', 'Success formatting namespace:1'])
})

test('wipeDisks() goes from a sanitize that fails to a format that lies to overwriting, and records all three', async (t) => {
  const full = fullDisk(t)
  if (!full) return
  standInProgram(
    t,
    'nvme',
    `case $1 in
  sanitize-log) printf 'Sanitize Progress (SPROG) :  65535\\nSanitize Status (SSTAT) :  0x3\\n' ;;
  *) echo "Success" ;;
esac
`,
  )
  const wipe = wipeOf(full.disk, nvme)
  const { outcome } = await run([wipe])
  assert.ok(!(outcome instanceof Error), String(outcome))
  const { attempts, notReached } = wipe.record
  assert.deepEqual(
    attempts.map(({ method, outcome }) => [method, outcome]),
    [
      ['NVMe sanitize, block erase', 'refused'],
      ['NVMe format, user data erase', 'not-erased'],
      ['overwriting with noise', 'erased'],
    ],
  )
  assert.match(attempts[0]!.answer, /failed: SSTAT 0x3/)
  assert.match(notReached.join(), /in reserve/)
  assert.equal(piecesLeft(full.file, full.data), 0)
})

test('wipeDisks() wipes the other disks when one fails, and is no success', async (t) => {
  const [good, bad] = [fullDisk(t), fullDisk(t)]
  if (!good || !bad) return
  standInProgram(t, 'nvme', liar)
  const { outcome } = await run([wipeOf(bad.disk, nvme, 'format'), wipeOf(good.disk, virtual, 'overwrite')])
  assert.ok(outcome instanceof DisksNotErased)
  assert.match(outcome.message, /1 other disk is erased$/)
  assert.deepEqual(
    outcome.result.disks.map(({ erased }) => erased),
    [false, true],
  )
  assert.equal(piecesLeft(good.file, good.data), 0)
})

test('refuseInUse() and planting refuse a disk that is mounted, and say where', async (t) => {
  const full = fullDisk(t)
  if (!full) return
  const { device } = full.disk
  execFileSync('mkfs.ext4', ['-q', '-F', device])
  const directory = full.file.replace(/disk$/, 'mount')
  execFileSync('mkdir', [directory])
  execFileSync('mount', [device, directory])
  try {
    assert.throws(() => refuseInUse(full.disk), /in use by what is mounted on .*mount/)
    const { outcome } = await run([wipeOf(full.disk, virtual)])
    assert.ok(outcome instanceof DisksNotErased)
    assert.equal(outcome.step, 'plant-canaries')
    assert.match(outcome.message, /EBUSY/)
  } finally {
    execFileSync('umount', [directory])
  }
})

test('readFacts() of a loop device tells that it can be discarded, and of no neighbours', async (t) => {
  const full = fullDisk(t)
  if (!full) return
  const facts = await readFacts(full.disk, [full.disk.device], signal)
  assert.deepEqual(facts, { kind: 'virtual', isScsi: false, rotational: false, canDiscard: true, neighbours: [] })
})
