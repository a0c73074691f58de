import type { WorkStep } from '../core/agent-protocol.ts'
import type { StepRecord } from '../core/step-records.ts'
import type { StepOutput } from './deployment-output.ts'

/** What an agent works on and reports about: a deployment, or an errand. Each throws Conflict when it has ended. */
export interface ReportedWork {
  stepStarted(id: string, step: WorkStep, detail?: string): Promise<void>
  stepProgress(id: string, step: WorkStep, bytesDone: number, bytesTotal?: number): Promise<void>
  /** What scripts say in a step; an errand's script has a way of its own. */
  stepOutput?(id: string, step: WorkStep, output: StepOutput): Promise<void>
  stepDone(
    id: string,
    step: WorkStep,
    result: Pick<StepRecord, 'seconds' | 'bytes' | 'notice'> & { detail?: string },
  ): Promise<void>
  /** `result`: what an errand found or did up to it. */
  failed(id: string, step: WorkStep, reason: string, result?: unknown): Promise<void>
}
