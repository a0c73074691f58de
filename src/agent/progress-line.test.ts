import { test } from 'node:test'
import { describeProgress } from './progress-line.ts'

test('describeProgress() tells share, rate and rest', (t) => {
  t.assert.equal(describeProgress(120e6, 266e6, 5), '120 of 266 MB (45 %), 24.0 MB/s, 7 s left')
})

test('describeProgress() promises nothing before the first byte', (t) => {
  t.assert.equal(describeProgress(0, 266e6, 0), '0 of 266 MB (0 %), 0.0 MB/s')
})

test('describeProgress() does without a total', (t) => {
  t.assert.equal(describeProgress(5e6, undefined, 2), '5 MB, 2.5 MB/s')
})
