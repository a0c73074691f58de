import { countBoot } from '../core/boot-attempts.ts'
import { describeLostOrder } from '../core/boot-order.ts'
import { canMove, type Deployment, type DeploymentState, type DeployStep, writtenStates } from '../core/deployment.ts'
import type { HandOver } from '../core/hand-over.ts'
import type { Machine } from '../core/machine.ts'
import type { DeploymentSetup } from '../core/setup.ts'
import { type StepRecord, withStep } from '../core/step-records.ts'
import type { VersionUse } from '../image/retention.ts'
import {
  extendDeadlines,
  findDeployment,
  insertDeployment,
  listDeployedVersions,
  listDeployments,
  listOverdueDeployments,
  updateDeployment,
} from '../store/deployment-rows.ts'
import { putDeploymentSetup, readDeploymentSetup } from '../store/setup-rows.ts'
import { overdueVerdict } from './deadlines.ts'
import { enter, fail, heard, refuseMove, refuseReport } from './deployment-moves.ts'
import { addNotice } from './deployment-notices.ts'
import { addOutput, type StepOutput } from './deployment-output.ts'
import { describeSetup, proofSecondsWith, setupOf } from './deployment-setup.ts'
import { describeDone, describeRequest, describeWritten, tellState, tellStep } from './deployment-timeline.ts'
import { type FirstBootReport, recordFirstBoot } from './first-boot.ts'
import { describeFruitless } from './fruitless-boots.ts'
import { findLastSight } from './last-sight.ts'
import { leaveDeployIntent, refuseBusy, setIntent, useUpDeployIntent } from './machine-intent.ts'
import { type DeploymentRequest, newDeployment } from './new-deployment.ts'
import { NotFound } from './refusals.ts'
import type { ReportedWork } from './reported-work.ts'
import type { Change, StateChanges } from './state-changes.ts'

/** What the agent says when the write is verified. */
export type WrittenResult = Pick<Deployment, 'bytesFetched' | 'bytesWritten' | 'bytesReused' | 'sshHostKeys'> &
  Partial<Pick<Deployment, 'keptVersions' | 'bootOrder'>>

const openStates: readonly DeploymentState[] = ['queued', 'booting', 'running']
/** What goes on, or waits for something. */
export const timedStates: readonly DeploymentState[] = [...openStates, 'written', 'handed-over', 'frozen']

/** Deployments through their states, together with the intent that each of them sets and uses up. */
export class Deployments implements ReportedWork {
  readonly #state: StateChanges

  constructor(state: StateChanges) {
    this.#state = state
  }

  list(machineId?: string): Promise<Deployment[]> {
    return listDeployments(this.#state.db, machineId)
  }

  /** Versions that machines have on their disks or are given. */
  async versionsInUse(): Promise<VersionUse[]> {
    const open = [...openStates, 'frozen'] as const
    const deployed = await listDeployedVersions(this.#state.db, { open, written: writtenStates })
    return deployed.map(({ version, name, state }) => ({ version, why: `machine ${name}: ${state}` }))
  }

  /** The newest deployment that wrote the machine's disk. */
  async onDisk(machineId: string): Promise<Deployment | undefined> {
    return (await this.list(machineId)).find(({ state }) => writtenStates.includes(state))
  }

  /** Throws NotFound. */
  async get(id: string): Promise<Deployment> {
    const deployment = await findDeployment(this.#state.db, id)
    if (!deployment) throw new NotFound(`There is no deployment "${id}"`)
    return deployment
  }

  /** What a deployment was given when it was ordered, with its secrets. */
  setup(id: string): Promise<DeploymentSetup | undefined> {
    return readDeploymentSetup(this.#state.db, id)
  }

  /** Sets the machine's intent to deploy. Throws Conflict when an order of the machine is under way, and SetupRefused. */
  async create(machine: Machine, request: DeploymentRequest, detail?: string): Promise<Deployment> {
    return this.#state.commit(async (change) => {
      await refuseBusy(change, machine)
      const made = newDeployment(machine.id, request, change.now)
      const setup = await setupOf(change.db, machine, made)
      const deployment = { ...made, proofSeconds: await proofSecondsWith(change.db, made, setup) }
      await insertDeployment(change.db, deployment)
      if (setup) await putDeploymentSetup(change.db, deployment, setup)
      await setIntent(change, machine.id, { kind: 'deploy', deploymentId: deployment.id })
      await change.tell({
        machineId: machine.id,
        deploymentId: deployment.id,
        kind: 'deployment',
        message: `queued: ${[describeRequest(request), describeSetup(setup), detail].filter(Boolean).join('; ')}`,
      })
      return deployment
    })
  }

  /**
   * The machine asks for the boot script of its deploy intent, with this boot token. After too many boots that got no
   * further the deployment fails instead, and the machine is not to be started into it again.
   */
  async booting(id: string, tokenNonce: string): Promise<'booting' | 'failed'> {
    return this.#alter(id, async (change, deployment) => {
      const boots = countBoot(deployment.boots, tokenNonce)
      if (boots.fruitless > deployment.bootAttempts) {
        await fail(
          change,
          deployment,
          deployment.step ?? 'boot',
          describeFruitless(deployment, "'bootwright retry'", change.now),
        )
        return 'failed'
      }
      refuseMove(deployment, 'booting')
      await enter(change, deployment, 'booting', { boots, step: 'boot' })
      await tellState(change, deployment, 'booting', 'the machine fetched its boot script')
      return 'booting'
    })
  }

  /** The agent was given the order. Asking again while it runs changes nothing. */
  async running(id: string): Promise<void> {
    await this.#alter(id, async (change, deployment) => {
      if (deployment.state === 'running') return
      refuseMove(deployment, 'running')
      await enter(change, deployment, 'running', { heardAt: change.now })
      await tellState(change, deployment, 'running', 'the agent has its order')
    })
  }

  /** Throws Conflict when the deployment has ended (cancelled, past its deadline): the agent stops working on it. */
  async stepStarted(id: string, step: DeployStep, detail?: string): Promise<void> {
    await this.#alter(id, async (change, deployment) => {
      refuseReport(deployment)
      const steps = withStep(deployment.steps, { step, state: 'started' })
      await updateDeployment(change.db, id, { ...heard(deployment, step, 0, change.now), steps })
      await tellStep(change, deployment, step, detail ? `${step}: ${detail}` : `${step} …`, { state: 'started' })
    })
  }

  async stepDone(
    id: string,
    step: DeployStep,
    result: Pick<StepRecord, 'seconds' | 'bytes' | 'notice'> & { detail?: string },
  ): Promise<void> {
    await this.#alter(id, async (change, deployment) => {
      refuseReport(deployment)
      const { detail, ...record } = result
      const steps = withStep(deployment.steps, { step, state: 'done', ...record })
      await updateDeployment(change.db, id, { ...heard(deployment, step, 1, change.now), steps })
      await tellStep(change, deployment, step, describeDone(step, result), { state: 'done', ...record })
      const { notice } = record
      if (notice !== undefined) await tellStep(change, deployment, step, `${step}: ${notice}`, { notice })
    })
  }

  /** What a script says while it runs in a step. */
  async stepOutput(id: string, step: DeployStep, output: StepOutput): Promise<void> {
    await this.#alter(id, async (change, deployment) => {
      refuseReport(deployment)
      await addOutput(change, deployment, step, output)
    })
  }

  /** Throws NotFound where the deployment has no such hook. */
  async firstBoot(id: string, report: FirstBootReport): Promise<void> {
    await this.#alter(id, (change, deployment) => recordFirstBoot(change, deployment, report))
  }

  /** Progress inside a step: shown to who watches, kept only as a later deadline, and as how far this boot got. */
  async stepProgress(id: string, step: DeployStep, bytesDone: number, bytesTotal?: number): Promise<void> {
    const deployment = await this.get(id)
    refuseReport(deployment)
    const share = bytesTotal ? bytesDone / bytesTotal : 0
    await updateDeployment(this.#state.db, id, heard(deployment, step, share, this.#state.now()))
    this.#state.showPassing({
      machineId: deployment.machineId,
      deploymentId: id,
      kind: 'step',
      message: step,
      data: { step, state: 'progress', bytesDone, ...(bytesTotal !== undefined && { bytesTotal }) },
    })
  }

  /** The write is verified and the boot loader installed: from the commit of this on, the machine boots its disk. */
  async written(id: string, result: WrittenResult): Promise<void> {
    await this.#alter(id, async (change, deployment) => {
      if (deployment.state === 'written') return
      refuseMove(deployment, 'written')
      await enter(change, deployment, 'written', { ...result, heardAt: change.now })
      await useUpDeployIntent(change, deployment.machineId)
      await tellState(
        change,
        deployment,
        'written',
        `${describeWritten(deployment, result)}; the deploy intent is used up, from now on the machine boots its disk`,
      )
    })
  }

  async handedOver(id: string, by: HandOver = 'reboot'): Promise<void> {
    await this.#alter(id, async (change, deployment) => {
      if (deployment.state !== 'written') return
      await enter(change, deployment, 'handed-over', {
        handedOverAt: change.now,
        handedOverBy: by,
        heardAt: change.now,
      })
      const message = `the agent left by ${by}; proof is due in ${deployment.proofSeconds} s`
      await tellState(change, deployment, 'handed-over', message)
    })
  }

  /** The machine is sent to its disk by a boot script: a kernel that was started by kexec did not stay. */
  async cameByFirmware(machineId: string): Promise<void> {
    const left = await this.onDisk(machineId)
    if (left?.state !== 'handed-over' || left.handedOverBy !== 'kexec') return
    await this.#alter(left.id, async (change, deployment) => {
      await updateDeployment(change.db, deployment.id, { handedOverBy: 'kexec-then-reboot' })
      const notice = 'the kernel that was started by kexec did not stay: the machine came back by its firmware'
      await addNotice(change, deployment, 'hand-over', notice)
    })
  }

  /** Proof may come late, and more than once. */
  async proved(id: string, how: string, bootOrder?: readonly string[]): Promise<void> {
    await this.#alter(id, async (change, deployment) => {
      if (deployment.state === 'proved') return
      refuseMove(deployment, 'proved')
      const { handedOverAt, handedOverBy } = deployment
      const seconds = handedOverAt !== undefined && (change.now - handedOverAt) / 1000
      await enter(change, deployment, 'proved', seconds === false ? {} : { handOverSeconds: seconds })
      const took = seconds === false ? '' : `, ${seconds.toFixed(1)} s after the agent left by ${handedOverBy}`
      // What was read again right after it was set says little: firmware makes its own order when the machine restarts.
      const lost = bootOrder && describeLostOrder(deployment.bootOrder, bootOrder)
      if (lost !== undefined) await addNotice(change, deployment, 'boot-loader', lost)
      await tellState(change, deployment, 'proved', `${how}${took}`)
    })
  }

  /** By the agent's own word. */
  async failed(id: string, step: DeployStep, reason: string): Promise<void> {
    await this.#alter(id, async (change, deployment) => {
      if (deployment.state === 'failed') return
      await fail(change, deployment, step, reason, { reported: true })
    })
  }

  async cancel(id: string): Promise<void> {
    await this.#alter(id, async (change, deployment) => {
      refuseMove(deployment, 'cancelled')
      await enter(change, deployment, 'cancelled', {})
      await leaveDeployIntent(change, deployment)
      await tellState(change, deployment, 'cancelled', 'cancelled by the operator')
    })
  }

  /** A boot token was exchanged twice: somebody else may hold the machine's place, so a person decides. */
  async freeze(id: string, reason: string): Promise<void> {
    await this.#alter(id, async (change, deployment) => {
      if (!canMove(deployment.state, 'frozen')) return
      await enter(change, deployment, 'frozen', {})
      await setIntent(change, deployment.machineId, { kind: 'discover' })
      await tellState(change, deployment, 'frozen', reason)
    })
  }

  /** The machine is held for a person: what was not begun is frozen. */
  async hold(id: string, reason: string): Promise<void> {
    const { state } = await this.get(id)
    if (state === 'queued' || state === 'booting') await this.freeze(id, reason)
  }

  /** Ends what is past its deadline: failed by name, or unproved. Called every few seconds. */
  async expireOverdue(): Promise<void> {
    for (const overdue of await listOverdueDeployments(this.#state.db, timedStates, this.#state.now())) {
      await this.#alter(overdue.id, async (change, deployment) => {
        if (deployment.deadlineAt > change.now || !timedStates.includes(deployment.state)) return
        const verdict = overdueVerdict(deployment, await findLastSight(change.db, deployment), change.now)
        if (verdict.state === 'failed') return fail(change, deployment, verdict.step, verdict.reason)
        await enter(change, deployment, verdict.state, {})
        await tellState(change, deployment, verdict.state, verdict.reason)
      })
    }
  }

  /** After a start of the server: nobody could report while it was down. */
  async forgiveAbsence(seconds: number): Promise<void> {
    await extendDeadlines(this.#state.db, timedStates, this.#state.now() + seconds * 1000)
  }

  #alter<Result>(id: string, work: (change: Change, deployment: Deployment) => Promise<Result>): Promise<Result> {
    return this.#state.commit(async (change) => {
      const deployment = await findDeployment(change.db, id)
      if (!deployment) throw new NotFound(`There is no deployment "${id}"`)
      return work(change, deployment)
    })
  }
}
