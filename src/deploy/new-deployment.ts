import { randomUUID } from 'node:crypto'
import { defaultBootAttempts, noBoots } from '../core/boot-attempts.ts'
import type { Deployment } from '../core/deployment.ts'
import { deadlineSeconds } from './deadlines.ts'

const defaultKeepVersions = 3

const said = [
  ...(['image', 'version', 'rendition', 'diskRule', 'layout', 'filesystem', 'handOver', 'kernelArguments'] as const),
  'proofSeconds',
] as const
const mayBeSaid = ['kind', 'keepVersions', 'verify', 'bootAttempts'] as const

/** A deploy that keeps three versions, reads all of it back and gives up after three boots, where it is not said. */
export type DeploymentRequest = Pick<Deployment, (typeof said)[number]> &
  Partial<Pick<Deployment, (typeof mayBeSaid)[number] | 'retry' | 'sessionOnly'>>

export function newDeployment(machineId: string, request: DeploymentRequest, now: number): Deployment {
  const deployment: Deployment = {
    id: randomUUID(),
    machineId,
    kind: 'deploy',
    keepVersions: defaultKeepVersions,
    verify: 'whole',
    bootAttempts: defaultBootAttempts,
    ...request,
    state: 'queued',
    boots: noBoots,
    bytesFetched: 0,
    bytesWritten: 0,
    bytesReused: 0,
    steps: [],
    sshHostKeys: [],
    keptVersions: [],
    createdAt: now,
    deadlineAt: 0,
  }
  return { ...deployment, deadlineAt: now + deadlineSeconds(deployment) * 1000 }
}

/** What was chosen for a deployment, to choose it again: by who may order for every boot of the machine. */
export function choicesOf(deployment: Deployment): DeploymentRequest {
  const choices = [...said, ...mayBeSaid].map((name) => [name, deployment[name]])
  return Object.fromEntries(choices) as DeploymentRequest
}
