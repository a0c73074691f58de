import { test } from 'node:test'
import type { DeploymentState } from './deployment.ts'
import type { Intent } from './intent.ts'
import { type MachineState, type MachineWork, machineState, noWork } from './machine-state.ts'

const local: Intent = { kind: 'local', revision: 1 }
const errand = (kind: Intent['kind']): Intent => ({ kind, revision: 1, errandId: 'e' })
const deployment = (state: DeploymentState, isWritten = false): MachineWork => ({
  ...noWork,
  deployment: state,
  isWritten,
})
const written = deployment('proved', true)

const rows: [what: string, approved: boolean, intent: Intent, work: MachineWork, state: MachineState][] = [
  ['nobody approved', false, local, noWork, 'new'],
  ['was approved', true, local, noWork, 'ready'],
  ['has a deployment queued', true, { kind: 'deploy', revision: 1 }, deployment('queued'), 'deploying'],
  ['nobody approved and is deployed', false, local, deployment('running'), 'deploying'],
  ['is deployed again', true, local, deployment('running', true), 'deploying'],
  ['has a deployment that is frozen', true, local, deployment('frozen'), 'deploying'],
  ['was deployed', true, local, written, 'deployed'],
  ['was deployed and gave no proof', true, local, deployment('unproved', true), 'deployed'],
  ['was deployed once, and not again', true, local, deployment('failed', true), 'failed'],
  ['was deployed, the next was cancelled', true, local, deployment('cancelled', true), 'deployed'],
  ['had its only deployment cancelled', true, local, deployment('cancelled'), 'ready'],
  ['had an errand that failed', true, local, { ...written, hasErrandFailed: true }, 'failed'],
  ['is being wiped', true, errand('wipe'), written, 'wiping'],
  ['is a rescue system', true, errand('rescue'), written, 'rescue'],
  ['runs a script', true, errand('run'), noWork, 'running'],
  ['boots a kernel of ours', true, errand('kernel'), noWork, 'running'],
]

for (const [what, approved, intent, work, state] of rows) {
  test(`machineState() of a machine that ${what} is ${state}`, (t) => {
    t.assert.equal(machineState({ approved, intent }, work), state)
  })
}

test('machineState() says held before everything else', (t) => {
  const conflicts = [{ kind: 'uuid' as const, machine: 'other' }]
  t.assert.equal(machineState({ approved: true, intent: errand('wipe'), conflicts }, written), 'held')
})
