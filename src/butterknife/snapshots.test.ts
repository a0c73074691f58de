import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Version } from '../image/repository.ts'
import { chooseParent, findSnapshot, snapshotOf } from './snapshots.ts'

const id = (digit: string) => digit.repeat(64)
const version = (digit: string, createdAt: number, more: Partial<Version> = {}): Version => ({
  ...{ id: id(digit), image: 'debian', createdAt, tags: [], entries: 1, sizeBytes: 1, storedBytes: 1 },
  ...more,
})
const third = version('c', 1_800_000_003_000, { tags: ['current'], comment: 'kernel' })
const second = version('b', 1_800_000_002_000, { tags: ['previous'] })
const first = version('a', 1_800_000_001_000)
const versions = [third, second, first]

test('snapshotOf() has a name that ends in a growing number, and no field is null', () => {
  assert.deepEqual(snapshotOf(first), {
    name: 'snap1800000001000',
    comment: '',
    timestamp: '2027:01:15 08:00:01',
    version: id('a'),
  })
})

test('findSnapshot() takes a name, a tag and the start of an id', () => {
  assert.equal(findSnapshot(versions, 'snap1800000002000'), second)
  assert.equal(findSnapshot(versions, 'current'), third)
  assert.equal(findSnapshot(versions, 'a'.repeat(12)), first)
  for (const wrong of ['', 'snap', 'a'.repeat(11), 'd'.repeat(64)])
    assert.equal(findSnapshot(versions, wrong), undefined)
})

test('chooseParent() takes the one that `parent` names, and refuses what is none', () => {
  assert.deepEqual(chooseParent(versions, third, { parent: 'previous' }), { kind: 'against', parent: second })
  assert.deepEqual(chooseParent(versions, third, { parent: 'snap0' }), { kind: 'unknown', name: 'snap0' })
  assert.deepEqual(chooseParent(versions, third, { parent: 'current' }), { kind: 'unknown', name: 'current' })
  assert.deepEqual(chooseParent(versions, third, { parent: '' }), { kind: 'whole' })
  assert.deepEqual(chooseParent(versions, third, {}), { kind: 'whole' })
})

test('chooseParent() takes of `src` the newest that is older than what is wanted', () => {
  const src = (...of: Version[]) => ({ src: of.map((one) => `${snapshotOf(one).name},`).join('') })
  assert.deepEqual(chooseParent(versions, third, src(first, second)), { kind: 'against', parent: second })
  assert.deepEqual(chooseParent(versions, second, src(third, first)), { kind: 'against', parent: first })
  assert.deepEqual(chooseParent(versions, first, src(second, third)), { kind: 'against', parent: second })
  assert.deepEqual(chooseParent(versions, third, src()), { kind: 'whole' })
  assert.deepEqual(chooseParent(versions, third, src(third)), { kind: 'whole' })
  assert.deepEqual(chooseParent(versions, third, { src: 'snap1,' }), { kind: 'whole' })
})
