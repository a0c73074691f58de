import assert from 'node:assert/strict'
import { randomFillSync } from 'node:crypto'
import { test } from 'node:test'
import { CanaryLost, plantCanaries } from './canaries.ts'
import { choosePlaces, placeBytes } from './choose-places.ts'
import { type Before, examine, examineWhole, type Leaves, readSamples } from './examine.ts'
import { MemoryDisk } from './memory-disk.fixture.ts'
import { overwrite, PartsNotWritten, type Pattern, patternAt } from './overwrite.ts'

const mib = 2 ** 20
const { signal } = new AbortController()
const quiet = { signal, onBytes: () => {} }

async function fullDisk(sizeBytes = 16 * mib + placeBytes): Promise<{ disk: MemoryDisk; before: Before }> {
  const disk = new MemoryDisk(sizeBytes, (bytes) => randomFillSync(bytes))
  const samples = await readSamples(disk, signal)
  return { disk, before: { samples, canaries: await plantCanaries(disk, signal) } }
}

const leaves = (pattern: Pattern): Leaves => ({
  kind: 'pattern',
  expected: (place) => patternAt(pattern, place, placeBytes),
})

test('choosePlaces() has both ends and one place in each region, in order and within the disk', () => {
  for (const size of [placeBytes, 3 * placeBytes, mib, 64 * mib, 8 * 2 ** 40]) {
    for (const random of [() => 0, () => 0.999_999_999, Math.random]) {
      const places = choosePlaces(size, true, random)
      assert.equal(places[0], 0)
      assert.equal(places.at(-1), Math.floor(size / placeBytes) * placeBytes - placeBytes)
      assert.ok(places.every((place, index) => place % placeBytes === 0 && (index === 0 || place > places[index - 1]!)))
      assert.ok(places.length <= 514 && places.length >= Math.min(size / mib, 512))
    }
  }
})

test('plantCanaries() flushes, and throws CanaryLost of a disk that acknowledges writes and does nothing', async () => {
  const disk = new MemoryDisk(4 * mib)
  await plantCanaries(disk, signal)
  assert.equal(disk.flushes, 1)
  disk.ignores = (offset) => offset >= 2 * mib
  await assert.rejects(plantCanaries(disk, signal), (error) => error instanceof CanaryLost && error.offset >= 2 * mib)
})

test('examine() finds nothing on a disk that was overwritten, with zeros or with noise', async () => {
  for (const pattern of [{ kind: 'zeros' }, { kind: 'random', key: Buffer.alloc(32, 7) }] as const) {
    const { disk, before } = await fullDisk()
    await overwrite(disk, pattern, quiet)
    assert.equal(disk.flushes, 2)
    const found = await examine(disk, before, leaves(pattern), signal)
    assert.equal(found.survivorCount, 0)
    assert.equal(found.zeros + found.pattern, before.canaries.places.length + before.samples.size)
  }
})

test('examine() finds a disk that says it is erased and did nothing, whatever the method leaves', async () => {
  for (const kind of [{ kind: 'changed' }, { kind: 'zeros' }, leaves({ kind: 'zeros' })] as const) {
    const { disk, before } = await fullDisk()
    const found = await examine(disk, before, kind, signal)
    // What changed may be a canary in a sample's place; where zeros or a pattern must stand that is a survivor too.
    const passed = kind.kind === 'changed' ? countOverwritten(before) : 0
    assert.equal(found.survivorCount, before.canaries.places.length + before.samples.size - passed)
    assert.deepEqual(found.survivors[0], { offset: 0, what: 'canary' })
  }
})

/** Samples that a canary was planted on say nothing of what was there before. */
function countOverwritten({ canaries, samples }: Before): number {
  return [...samples.keys()].filter((place) => canaries.places.includes(place)).length
}

test('examine() finds one canary of which one piece of 512 bytes is left', async () => {
  const { disk, before } = await fullDisk()
  const place = before.canaries.places[9]!
  await overwrite(disk, { kind: 'zeros' }, quiet)
  disk.bytes.set(before.canaries.content(place).subarray(1024, 1536), place + 1024)
  const { survivors } = await examine(disk, before, { kind: 'changed' }, signal)
  assert.deepEqual(survivors, [{ offset: place + 1024, what: 'canary' }])
})

test('examine() takes zeros, ones and something new from a drive that erases itself, and nothing that was there', async () => {
  const { disk, before } = await fullDisk()
  randomFillSync(disk.bytes)
  assert.equal((await examine(disk, before, { kind: 'changed' }, signal)).survivorCount, 0)
  assert.ok((await examine(disk, before, leaves({ kind: 'zeros' }), signal)).survivorCount > 0)
  disk.bytes.fill(0xff)
  const { ones } = await examine(disk, before, { kind: 'changed' }, signal)
  assert.equal(ones, before.canaries.places.length + before.samples.size)
  const [place, old] = [...before.samples].find(([at]) => !before.canaries.places.includes(at))!
  disk.bytes.set(old, place)
  assert.deepEqual((await examine(disk, before, { kind: 'changed' }, signal)).survivors, [
    { offset: place, what: 'old data' },
  ])
})

test('examine() takes what cannot be read for a survivor', async () => {
  const { disk, before } = await fullDisk()
  await overwrite(disk, { kind: 'zeros' }, quiet)
  disk.broken = (offset) => offset === 0
  assert.deepEqual((await examine(disk, before, { kind: 'changed' }, signal)).survivors[0], {
    offset: 0,
    what: 'unreadable',
  })
})

test('examineWhole() finds one byte that is not zero, wherever it is', async () => {
  const disk = new MemoryDisk(9 * mib)
  assert.equal((await examineWhole(disk, signal, () => {})).survivorCount, 0)
  for (const offset of [0, 5 * mib + 77, 9 * mib - 1]) {
    disk.bytes.fill(0)
    disk.bytes[offset] = 1
    assert.deepEqual((await examineWhole(disk, signal, () => {})).survivors, [{ offset, what: 'something else' }])
  }
})

test('overwrite() passes over what cannot be written, and throws PartsNotWritten naming it', async () => {
  const { disk } = await fullDisk()
  disk.broken = (offset) => offset === 4 * mib
  const failure = (error: unknown) => error instanceof PartsNotWritten && error.offsets.join() === `${4 * mib}`
  await assert.rejects(overwrite(disk, { kind: 'zeros' }, quiet), failure)
  assert.ok(disk.bytes.subarray(8 * mib).every((byte) => byte === 0))
})

test('overwrite() ends at once when it is cancelled', async () => {
  const disk = new MemoryDisk(64 * mib, (bytes) => bytes.fill(1))
  const stop = new AbortController()
  const onBytes = (bytesDone: number) => bytesDone >= 8 * mib && stop.abort(new Error('cancelled'))
  await assert.rejects(overwrite(disk, { kind: 'zeros' }, { signal: stop.signal, onBytes }), /cancelled/)
  assert.equal(disk.bytes[32 * mib], 1)
})
