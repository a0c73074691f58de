import { type BootAttempts, hasReached } from './boot-attempts.ts'
import type { DiskRule } from './disk-rule.ts'
import type { HandedOverBy, HandOver } from './hand-over.ts'
import type { FilesystemType, Layout } from './layout.ts'
import type { DeployRendition, VerifyPolicy } from './order.ts'
import type { StepRecord } from './step-records.ts'

/**
 * The work of a deployment, in order; a failure names its step. `boot` is the machine's way to its order. Those of hooks and
 * files are there where there are any.
 */
export const deploySteps = [
  'boot',
  'select-disk',
  'before-partition',
  'partition',
  'make-filesystems',
  'write',
  'verify',
  'grow',
  'identity',
  'files',
  'after-write',
  'boot-loader',
  'flush',
  'hand-over',
  'first-boot',
] as const
export type DeployStep = (typeof deploySteps)[number]

/**
 * queued: waits for the machine to boot · booting: its boot script was fetched · running: the agent works ·
 * written: verified on the disk, the intent is used up · handed-over: the agent has left the machine ·
 * proved / unproved: the deployed system called back, or did not by its deadline · wiped: the disk it was written to was wiped
 * since · frozen: a boot token came twice, or the machine is held.
 */
export type DeploymentState =
  | 'queued'
  | 'booting'
  | 'running'
  | 'written'
  | 'handed-over'
  | 'proved'
  | 'unproved'
  | 'wiped'
  | 'failed'
  | 'cancelled'
  | 'frozen'

export const deploymentTransitions = {
  queued: ['booting', 'running', 'failed', 'cancelled', 'frozen'],
  booting: ['booting', 'running', 'failed', 'cancelled', 'frozen'],
  // A machine that was reset in the middle begins again.
  running: ['booting', 'running', 'written', 'failed', 'cancelled', 'frozen'],
  written: ['handed-over', 'proved', 'unproved', 'wiped', 'failed'],
  'handed-over': ['proved', 'unproved', 'wiped'],
  unproved: ['proved', 'wiped'],
  proved: ['wiped'],
  wiped: [],
  failed: [],
  cancelled: [],
  frozen: ['cancelled', 'failed'],
} as const satisfies Record<DeploymentState, readonly DeploymentState[]>

/** In these the machine's disk holds the version. */
export const writtenStates: readonly DeploymentState[] = ['written', 'handed-over', 'proved', 'unproved']

export function canMove(from: DeploymentState, to: DeploymentState): boolean {
  return (deploymentTransitions[from] as readonly DeploymentState[]).includes(to)
}

/** A deployment that repeats `of`. `goesOn`: with the root filesystem that was made then, where that is there and sound. */
export type Retry = { of: string; goesOn: boolean }

/** One attempt to put a version on a machine. Times are milliseconds since the epoch. */
export type Deployment = {
  id: string
  machineId: string
  /** `rollback`: nothing is fetched, the version is one that the machine's disk has. */
  kind: 'deploy' | 'rollback'
  image: string
  /** Version id: SHA-256 of the `tree` manifest, hexadecimal. */
  version: string
  rendition: DeployRendition
  diskRule: DiskRule
  layout: Layout
  /** Of a root that is made. */
  filesystem: FilesystemType
  verify: VerifyPolicy
  handOver: HandOver
  /** An agent without a boot token chose it: it is given to that session alone, never to another boot of the machine. */
  sessionOnly?: true
  /** Extra kernel arguments of the deployed system. */
  kernelArguments: string[]
  /** How many versions stay on a btrfs that versions are received into, with this one. */
  keepVersions: number
  /** How long after hand-over the first-boot callback may take before the deployment counts as unproved. */
  proofSeconds: number
  /** After so many boots that got no further the deployment fails. */
  bootAttempts: number
  boots: BootAttempts<DeployStep>
  /** Where it repeats one that failed or was cancelled. */
  retry?: Retry
  state: DeploymentState
  step?: DeployStep
  failure?: string
  bytesFetched: number
  bytesWritten: number
  /** Content that was on the disk already, and stayed. */
  bytesReused: number
  steps: StepRecord<DeployStep>[]
  /** Public halves, one OpenSSH line each, as the agent made them. */
  sshHostKeys: string[]
  /** What the machine can roll back to: version ids, the newest first, this one among them. */
  keptVersions: string[]
  createdAt: number
  deadlineAt: number
  /** When its agent last reported something. */
  heardAt?: number
  /** When the agent said that it leaves. */
  handedOverAt?: number
  /** How it left, and whether that came up. */
  handedOverBy?: HandedOverBy
  /** UEFI: the order of boot entries that the agent set, four hexadecimal digits each. */
  bootOrder?: string[]
  /** From its leaving to the proof. */
  handOverSeconds?: number
  finishedAt?: number
}

/** Whether the step was begun in any boot of the deployment. */
export function hasBegun({ boots }: Pick<Deployment, 'boots'>, step: DeployStep): boolean {
  return hasReached(boots, deploySteps, step)
}
