import type { TimelineEvent } from '../../core/timeline.ts'
import type { CaseResult } from './case.ts'
import type { RackSupplies } from './supplies.ts'

/** What a process inside a rack says to the one that made it. */
export type RackMessage =
  | { kind: 'log'; line: string }
  /** `machine` is its name, empty where the event is about none. */
  | { kind: 'event'; event: TimelineEvent; machine: string }
  /** The trial's machine has logged in to its deployed system. */
  | {
      kind: 'deployed'
      machineId: string
      hostName: string
      kernelRelease: string
      /** Since power-on. */
      seconds: number
      consoleLog: string
    }
  /** The trial did not get there. */
  | { kind: 'failed'; failure: string }
  | { kind: 'result'; result: CaseResult }

/** What it is told at its start, as the one argument. */
export type RackTask = {
  directory: string
  supplies: RackSupplies
  managementFd?: number
  /** Of a case: the file in test/rack. Of the trial: nothing. */
  casePath?: string
  firmware?: 'bios' | 'uefi'
}

export function tell(message: RackMessage): void {
  process.send?.(message)
}

export function readTask(): RackTask {
  return JSON.parse(process.argv[2] ?? '{}') as RackTask
}
