import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Deployment } from '../core/deployment.ts'
import { findReadyLayout } from '../core/ready-layouts.ts'
import { type DeploymentRequest, newDeployment } from './new-deployment.ts'
import { Conflict } from './refusals.ts'
import { repeatDeployment } from './retry.ts'

const choices: Required<Omit<DeploymentRequest, 'retry' | 'sessionOnly'>> = {
  kind: 'deploy',
  image: 'debian',
  version: 'a'.repeat(64),
  diskRule: { serial: 'ROOT' },
  layout: findReadyLayout('separate-home')!,
  rendition: 'tree',
  filesystem: 'xfs',
  handOver: 'kexec',
  kernelArguments: ['quiet'],
  keepVersions: 5,
  verify: 'sampled',
  proofSeconds: 60,
  bootAttempts: 7,
}

const ended = (more: Partial<Deployment>): Deployment => ({
  ...newDeployment('m1', choices, 0),
  ...{ id: 'd1', state: 'failed', step: 'write', boots: { fruitless: 1, furthest: { step: 'write', share: 0.3 } } },
  steps: [{ step: 'write', state: 'failed', reported: true }],
  ...more,
})

test('repeatDeployment() makes the same choices again, and says how it goes on', () => {
  const { request, detail } = repeatDeployment('rack-1', ended({}), false)
  assert.deepEqual(request, { ...choices, retry: { of: 'd1', goesOn: true } })
  assert.match(detail, /^a retry of d1, which failed at write: goes on with the root filesystem/)
})

test('repeatDeployment() repeats what was cancelled', () => {
  const { detail } = repeatDeployment('rack-1', ended({ state: 'cancelled', step: 'verify', steps: [] }), false)
  assert.match(detail, /^a retry of d1, which was cancelled at verify: nothing proves .*: begins anew$/)
})

for (const [what, last, expected] of [
  ['a deployment under way', ended({ state: 'running' }), /is running, nothing of it has failed/],
  ['one that is frozen', ended({ state: 'frozen' }), /is frozen; end it first/],
  ['one whose disk was written', ended({ state: 'unproved' }), /is unproved, its disk was written.*--redeploy/],
] as const) {
  test(`repeatDeployment() refuses ${what}`, () => {
    assert.throws(
      () => repeatDeployment('rack-1', last, false),
      (error) => error instanceof Conflict && expected.test(error.message),
    )
  })
}
