import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Deployment, type DeployStep, deploySteps } from './deployment.ts'
import type { Layout } from './layout.ts'
import { findReadyLayout } from './ready-layouts.ts'
import { describeRetry, goesOn, goingOnLayout, planRetry } from './retry.ts'

const layout = (name: string) => findReadyLayout(name)!

/** One that ended at the step, by the agent's word unless it says otherwise. */
function ended(step: DeployStep, more: Partial<Deployment> = {}, reported = true): Deployment {
  const begun = deploySteps.slice(deploySteps.indexOf('select-disk'), deploySteps.indexOf(step))
  return {
    ...({ id: 'd1', kind: 'deploy', rendition: 'tree', layout: layout('whole-disk'), state: 'failed' } as Deployment),
    steps: [
      ...begun.map((done) => ({ step: done, state: 'done' as const })),
      { step, state: 'failed', ...(reported && { reported: true as const }) },
    ],
    boots: { fruitless: 1, ...(step !== 'boot' && { furthest: { step, share: 0 } }) },
    ...more,
  }
}

const told = (failed: Deployment) => describeRetry(failed, planRetry(failed))

test('planRetry() goes on with a tree whose agent said itself that it failed while writing, or later', () => {
  for (const step of ['write', 'verify', 'identity', 'boot-loader', 'flush'] as const) {
    assert.deepEqual(planRetry(ended(step)), { of: 'd1', goesOn: true }, step)
  }
  assert.match(told(ended('write')), /^goes on with the root filesystem/)
})

test('planRetry() begins anew where the agent was not heard of any more, or was stopped', () => {
  assert.equal(planRetry(ended('write', {}, false)).goesOn, false)
  assert.match(told(ended('write', {}, false)), /nothing proves that the filesystem is sound: begins anew/)
  assert.equal(planRetry(ended('write', { state: 'cancelled' }, false)).goesOn, false)
})

test('planRetry() begins anew on a disk whose partitioning or filesystems were not finished', () => {
  assert.equal(planRetry(ended('make-filesystems')).goesOn, false)
  assert.equal(planRetry(ended('partition')).goesOn, false)
  assert.match(told(ended('partition')), /not partitioned to the end: begins anew/)
  assert.match(told(ended('select-disk')), /had not begun on the disk/)
})

test('planRetry() of a retry that did not come to the disk does what that would have done', () => {
  const before = { of: 'd0', goesOn: true }
  assert.deepEqual(planRetry(ended('select-disk', { retry: before })), { of: 'd1', goesOn: true })
  assert.equal(planRetry(ended('partition', { retry: before })).goesOn, false)
})

test('planRetry() leaves to the comparison what compares anyway', () => {
  assert.match(told(ended('write', { rendition: 'volume' })), /blocks that are equal stay/)
  assert.match(told(ended('write', { layout: layout('update') })), /is compared, and what is equal stays/)
  assert.match(told(ended('boot-loader', { kind: 'rollback' })), /looked for on the disk/)
})

test('planRetry() keeps no root that was made in free space, or has subvolumes', () => {
  assert.equal(planRetry(ended('write', { layout: layout('unpartitioned') })).goesOn, false)
  assert.equal(planRetry(ended('write', { layout: layout('versions') })).goesOn, false)
  assert.equal(planRetry(ended('write', { layout: layout('reformat') })).goesOn, true)
})

test('goesOn() ends with the first boot that begins on the disk', () => {
  const retry = { of: 'd0', goesOn: true }
  assert.equal(goesOn({ retry, boots: { fruitless: 1, furthest: { step: 'select-disk', share: 1 } } }), true)
  assert.equal(goesOn({ retry, boots: { fruitless: 1, furthest: { step: 'partition', share: 0 } } }), false)
})

test('goingOnLayout() finds what was made, keeps the root and makes the rest again', () => {
  assert.deepEqual(goingOnLayout(layout('separate-home')), {
    name: 'separate-home',
    table: 'kept',
    partitions: [
      { role: 'bios-boot', find: { partitionLabel: 'bootwright-bios-boot' }, content: 'made' },
      { role: 'esp', find: { partitionLabel: 'bootwright-esp' }, content: 'made' },
      { role: 'root', find: { partitionLabel: 'bootwright-root' }, content: 'kept' },
      {
        ...{ role: 'data', filesystem: 'ext4', label: 'home', mount: '/home' },
        ...{ find: { partitionLabel: 'bootwright-home' }, content: 'made' },
      },
    ],
  } satisfies Layout)
})
