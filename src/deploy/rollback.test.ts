import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Deployment } from '../core/deployment.ts'
import { layoutProblems } from '../core/layout-problems.ts'
import { findReadyLayout, withRootFilesystem } from '../core/ready-layouts.ts'
import { Conflict } from './refusals.ts'
import { chooseRollback } from './rollback.ts'

const [oldest, older, newest] = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [string, string, string]

function deployment(version: string, more: Partial<Deployment> = {}): Deployment {
  return {
    id: `d-${version.slice(0, 4)}`,
    machineId: 'm',
    kind: 'deploy',
    image: 'debian',
    version,
    rendition: 'btrfs',
    diskRule: { serial: 'ROOT' },
    layout: withRootFilesystem(findReadyLayout('whole-disk')!, 'btrfs'),
    filesystem: 'btrfs',
    handOver: 'reboot',
    kernelArguments: ['quiet'],
    keepVersions: 3,
    verify: 'whole',
    proofSeconds: 60,
    bootAttempts: 3,
    boots: { fruitless: 0 },
    state: 'proved',
    bytesFetched: 0,
    bytesWritten: 0,
    bytesReused: 0,
    steps: [],
    sshHostKeys: [],
    keptVersions: [newest, older, oldest],
    createdAt: 0,
    deadlineAt: 0,
    ...more,
  }
}

test('chooseRollback() goes to the version before, and from there to the one before that', () => {
  const history = [deployment(newest), deployment(older, { image: 'before' }), deployment(oldest)]
  const first = chooseRollback('rack-1', history)
  assert.deepEqual([first.kind, first.version, first.image], ['rollback', older, 'before'])
  assert.deepEqual([first.diskRule, first.kernelArguments, first.rendition], [{ serial: 'ROOT' }, ['quiet'], 'btrfs'])
  assert.equal(chooseRollback('rack-1', [deployment(older, { kind: 'rollback' }), ...history]).version, oldest)
})

test('chooseRollback() goes to a version by the beginning of its id, forward too, and looks past what failed', () => {
  const history = [deployment(oldest, { state: 'failed' }), deployment(older), deployment(newest)]
  assert.equal(chooseRollback('rack-1', history, 'cccc').version, newest)
})

test('chooseRollback() has a layout that keeps all of the disk', () => {
  const { layout } = chooseRollback('rack-1', [deployment(newest)])
  assert.deepEqual(layoutProblems(layout), [])
  assert.deepEqual(layout, {
    name: 'whole-disk',
    table: 'kept',
    partitions: [
      { role: 'bios-boot', find: { partitionLabel: 'bootwright-bios-boot' }, content: 'kept' },
      { role: 'esp', find: { partitionLabel: 'bootwright-esp' }, content: 'kept' },
      { role: 'root', find: { partitionLabel: 'bootwright-root' }, content: 'received' },
    ],
  })
})

for (const [what, history, to, expected] of [
  ['a machine that was never deployed', [deployment(newest, { state: 'failed' })], undefined, /never deployed/],
  ['one that was deployed as a tree', [deployment(newest, { rendition: 'tree' })], undefined, /one version only/],
  [
    'the oldest',
    [deployment(oldest)],
    undefined,
    /no older version to roll back to: rack-1 has c{12}, b{12}, a{12} \(booted\)/,
  ],
  [
    'a version it does not have',
    [deployment(newest)],
    'dd',
    /does not have version dd: rack-1 has c{12} \(booted\), b{12}/,
  ],
  ['the version it boots', [deployment(newest)], newest, /boots c+ already/],
] as const) {
  test(`chooseRollback() refuses ${what}, and says what there is`, () => {
    assert.throws(
      () => chooseRollback('rack-1', history, to),
      (error) => {
        assert.ok(error instanceof Conflict)
        assert.match(error.message, expected)
        return true
      },
    )
  })
}
