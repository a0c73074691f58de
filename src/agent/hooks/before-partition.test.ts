import { test } from 'node:test'
import type { ProgressReport } from '../../core/agent-protocol.ts'
import type { Disk } from '../../core/inventory.ts'
import type { Hook } from '../../core/setup.ts'
import type { DeployContext } from '../deploy-context.ts'
import { StepReporter } from '../step-reporter.ts'
import { beforePartition } from './before-partition.ts'

const disk = { device: '/dev/vda' } as Disk

function makeContext(script?: string) {
  const scope = { kind: 'machine', name: 'web-1' } as const
  const hook: Hook = { scope, point: 'before-partition', script: `#!/bin/sh\n${script}\n`, timeoutSeconds: 20 }
  const reports: ProgressReport[] = []
  const reporter = new StepReporter(
    'd1',
    async (report) => void reports.push(report),
    () => {},
  )
  const setup = { hooks: script === undefined ? [] : [hook], variables: [], files: [] }
  const context = { reporter, setup, signal: new AbortController().signal } as unknown as DeployContext
  return { context, reports }
}

test('beforePartition() is no step where there is no hook for it', async (t) => {
  const { context, reports } = makeContext()
  const lookAgain = async () => t.assert.fail('there is no reason to')
  t.assert.equal(await beforePartition(context, 'chosen', { disk, lookAgain }), 'chosen')
  t.assert.deepEqual(reports, [])
})

test('beforePartition() runs the hook where the agent is, and looks at the disk again', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('not root')
  const { context, reports } = makeContext('echo "$BOOTWRIGHT_POINT of $BOOTWRIGHT_DISK"')
  t.assert.equal(await beforePartition(context, 'chosen', { disk, lookAgain: async () => 'again' }), 'again')
  await context.reporter.delivered()
  t.assert.deepEqual(
    reports.map(({ step, state, output, detail }) => [step, state, output?.lines ?? detail]),
    [
      ['before-partition', 'started', undefined],
      ['before-partition', 'progress', ['before-partition of /dev/vda']],
      ['before-partition', 'done', 'the machine web-1'],
    ],
  )
})

test('beforePartition() stops before the disk is touched when the hook fails', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('not root')
  const { context } = makeContext('echo "the array is degraded"; exit 2')
  const failing = beforePartition(context, 'chosen', { disk, lookAgain: async () => 'again' })
  await t.assert.rejects(failing, {
    step: 'before-partition',
    message: 'the before-partition hook of the machine web-1 ended with code 2: the array is degraded',
  })
})
