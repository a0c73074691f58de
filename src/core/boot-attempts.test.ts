import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BootAttempts, countBoot, describeFurthest, getTo, hasReached, noBoots } from './boot-attempts.ts'
import { type DeployStep, deploySteps } from './deployment.ts'

const inWrite: BootAttempts<DeployStep> = { fruitless: 2, tokenNonce: 'a', furthest: { step: 'write', share: 0.4 } }

test('countBoot() counts a boot once, however often its loader fetches the script', () => {
  const first = countBoot(noBoots, 'a')
  assert.equal(first.fruitless, 1)
  assert.equal(countBoot(first, 'a'), first)
  assert.equal(countBoot(first, 'b').fruitless, 2)
})

test('getTo() begins the count again with the boot that gets further', () => {
  assert.deepEqual(getTo(inWrite, deploySteps, { step: 'verify', share: 0 }), {
    fruitless: 1,
    tokenNonce: 'a',
    furthest: { step: 'verify', share: 0 },
  })
  assert.equal(getTo(inWrite, deploySteps, { step: 'write', share: 0.46 }).fruitless, 1)
  assert.equal(getTo(inWrite, deploySteps, { step: 'write', share: 1 }).fruitless, 1)
})

test('getTo() takes an earlier step, and a little more of the same, for no progress', () => {
  for (const [step, share] of [
    ['select-disk', 1],
    ['write', 0],
    ['write', 0.4],
    ['write', 0.44],
  ] as const) {
    assert.equal(getTo(inWrite, deploySteps, { step, share }), inWrite, `${step} ${share}`)
  }
})

test('hasReached() looks at the furthest boot, not at the last', () => {
  assert.equal(hasReached(noBoots, deploySteps, 'boot'), false)
  assert.equal(
    hasReached(getTo(inWrite, deploySteps, { step: 'select-disk', share: 0 }), deploySteps, 'partition'),
    true,
  )
  assert.equal(hasReached(inWrite, deploySteps, 'verify'), false)
})

test('describeFurthest() says how far a step was', () => {
  assert.deepEqual(
    [0, 0.417, 1].map((share) => describeFurthest({ step: 'write', share })),
    ['write', 'write, at 41 %', 'write, which was done'],
  )
})
