import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Deployment } from '../core/deployment.ts'
import { layoutProblems } from '../core/layout-problems.ts'
import { findReadyLayout } from '../core/ready-layouts.ts'
import { type DiskWish, resolveWish } from './redeploy-wish.ts'

const onDisk = {
  rendition: 'tree',
  diskRule: { serial: 'ROOT' },
  layout: findReadyLayout('separate-home')!,
  filesystem: 'xfs',
} as Deployment
const redeploy: DiskWish = { redeploy: true }

test('resolveWish() of a redeployment keeps disk, table and partitions of the last one, and writes the root', () => {
  const wish = resolveWish(redeploy, onDisk)
  assert.deepEqual(wish.disk, { serial: 'ROOT' })
  assert.deepEqual([wish.rendition, wish.filesystem], ['tree', 'xfs'])
  assert.ok(typeof wish.layout === 'object')
  assert.deepEqual(layoutProblems(wish.layout), [])
  assert.deepEqual(wish.layout.partitions.slice(2), [
    { role: 'root', find: { partitionLabel: 'bootwright-root' }, content: 'kept' },
    { role: 'data', find: { partitionLabel: 'bootwright-home' }, content: 'kept', mount: '/home' },
  ])
})

test('resolveWish() refuses a redeployment of what it does not know, or to another layout', () => {
  assert.throws(() => resolveWish({ redeploy: true }, undefined), /Nothing that was deployed/)
  assert.throws(() => resolveWish({ redeploy: true, layout: 'whole-disk' }, onDisk), /leave the other one out/)
})
