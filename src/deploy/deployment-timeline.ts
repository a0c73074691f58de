import type { WorkStep } from '../core/agent-protocol.ts'
import type { Deployment, DeploymentState, DeployStep } from '../core/deployment.ts'
import { describeRule } from '../core/disk-rule.ts'
import type { WrittenResult } from './deployments.ts'
import type { DeploymentRequest } from './new-deployment.ts'
import type { Change } from './state-changes.ts'

export async function tellState(change: Change, deployment: Deployment, state: DeploymentState, message: string) {
  const { machineId, id } = deployment
  await change.tell({
    machineId,
    deploymentId: id,
    kind: 'deployment',
    message: state === 'failed' ? `failed ${message}` : `${state}: ${message}`,
    data: { state },
  })
}

export async function tellStep(
  change: Change,
  deployment: Deployment,
  step: DeployStep,
  message: string,
  data: object,
) {
  const { machineId, id } = deployment
  await change.tell({ machineId, deploymentId: id, kind: 'step', message, data: { step, ...data } })
}

export function describeRequest({ kind, image, version, diskRule }: DeploymentRequest): string {
  const what = `${kind === 'rollback' ? 'rollback to ' : ''}${image}@${version.slice(0, 12)}`
  return `${what} to the disk ${describeRule(diskRule)} at its next network boot`
}

export function describeDone(step: WorkStep, result: { seconds?: number; bytes?: number; detail?: string }): string {
  const { seconds, bytes, detail } = result
  const rate = bytes && seconds ? `, ${(bytes / 1e6 / seconds).toFixed(1)} MB/s` : ''
  const size = bytes ? `${(bytes / 1e6).toFixed(1)} MB` : ''
  const time = seconds === undefined ? '' : `${seconds.toFixed(1)} s`
  const facts = [detail, size, time].filter(Boolean).join(', ')
  return `${step} done${facts && `: ${facts}`}${rate}`
}

function describeBytes({ bytesReused, bytesFetched, bytesWritten }: WrittenResult): string {
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`
  return `${megabytes(bytesReused)} reused, ${megabytes(bytesFetched)} fetched, ${megabytes(bytesWritten)} written`
}

export function describeWritten({ kind }: Deployment, result: WrittenResult): string {
  return kind === 'rollback' ? 'the older version is started again' : `verified on the disk (${describeBytes(result)})`
}
