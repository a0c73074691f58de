import { test } from 'node:test'
import { chooseWay } from './choose-way.ts'

const gigabit = 117e6 * 2.4 // unpacked

const cases = [
  ['an empty disk', { matchShare: 0, readBytesPerSecond: 0 }, gigabit, 'blind', true],
  ['the same version, SATA at 1 GbE', { matchShare: 1, readBytesPerSecond: 500e6 }, gigabit, 'compare', false],
  ['the next version, NVMe at 10 GbE', { matchShare: 0.8, readBytesPerSecond: 3e9 }, 10 * gigabit, 'compare', false],
  ['a write cut off early, SATA at 1 GbE', { matchShare: 0.1, readBytesPerSecond: 500e6 }, gigabit, 'blind', false],
  [
    'a write cut off in the middle, SATA at 1 GbE',
    { matchShare: 0.5, readBytesPerSecond: 500e6 },
    gigabit,
    'compare',
    false,
  ],
  ['the next version, SATA at 10 GbE', { matchShare: 0.8, readBytesPerSecond: 500e6 }, 10 * gigabit, 'compare', false],
  ['half of it, a slow disk', { matchShare: 0.5, readBytesPerSecond: 60e6 }, undefined, 'blind', false],
] as const

for (const [what, probe, link, way, discard] of cases) {
  test(`chooseWay() for ${what}: ${way}${discard ? ', discarded first' : ''}`, (t) => {
    const chosen = chooseWay(probe, link)
    t.assert.equal(chosen.way, way, chosen.because)
    t.assert.equal(chosen.discard, discard)
  })
}
