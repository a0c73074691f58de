import { randomUUID } from 'node:crypto'
import type { Deployment } from '../core/deployment.ts'
import { deadlineSeconds } from './deadlines.ts'

const defaultKeepVersions = 3

export type DeploymentRequest = Pick<
  Deployment,
  | 'image'
  | 'version'
  | 'rendition'
  | 'diskRule'
  | 'layout'
  | 'filesystem'
  | 'handOver'
  | 'kernelArguments'
  | 'proofSeconds'
> &
  /** A deploy that keeps three versions and reads all of it back, where they are not given. */
  Partial<Pick<Deployment, 'kind' | 'keepVersions' | 'verify' | 'sessionOnly'>>

export function newDeployment(machineId: string, request: DeploymentRequest, now: number): Deployment {
  const deployment: Deployment = {
    id: randomUUID(),
    machineId,
    kind: 'deploy',
    keepVersions: defaultKeepVersions,
    verify: 'whole',
    ...request,
    state: 'queued',
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
