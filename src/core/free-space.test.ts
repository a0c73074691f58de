import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freeGaps, type Gap, placeInGaps } from './free-space.ts'

const mib = 2 ** 20
const gap = (start: number, end: number): Gap => ({ startBytes: start * mib, endBytes: end * mib })
const sized = (size: number) => ({ sizeBytes: size * mib, smallestBytes: mib })
const rest = (smallest: number) => ({ sizeBytes: undefined, smallestBytes: smallest * mib })
const inMib = (places: readonly Gap[]) => places.map(({ startBytes, endBytes }) => [startBytes / mib, endBytes / mib])

test('freeGaps() lies between partitions in any order, aligned inwards, never where the table itself is', () => {
  const partitions = [
    { number: 2, type: '', startBytes: 100 * mib + 512, sizeBytes: 10 * mib },
    { number: 1, type: '', startBytes: 34 * 512, sizeBytes: 3 * mib },
  ]
  const table = { kind: 'gpt', firstUsableBytes: 34 * 512, endUsableBytes: 200 * mib - 33 * 512, partitions }
  assert.deepEqual(inMib(freeGaps(table)), [
    [4, 100],
    [111, 199],
  ])
})

test('placeInGaps() spares the largest gap for what takes the rest', () => {
  const places = placeInGaps([sized(10), rest(1), sized(20)], [gap(0, 100), gap(200, 215), gap(300, 320)])
  assert.ok(Array.isArray(places))
  assert.deepEqual(inMib(places), [
    [200, 210],
    [0, 100],
    [300, 320],
  ])
})

test('placeInGaps() keeps the order of what shares a gap, the rest in the middle', () => {
  const places = placeInGaps([sized(1), rest(1), sized(20)], [gap(1, 100)])
  assert.ok(Array.isArray(places))
  assert.deepEqual(inMib(places), [
    [1, 2],
    [2, 80],
    [80, 100],
  ])
})

test('placeInGaps() says which has no room and how much there would be', () => {
  const noRoom = { kind: 'no-room', index: 1, largestBytes: 40 * mib }
  assert.deepEqual(placeInGaps([sized(60), rest(50)], [gap(0, 100)]), noRoom)
  assert.deepEqual(placeInGaps([sized(1)], []), { kind: 'no-room', index: 0, largestBytes: 0 })
})
