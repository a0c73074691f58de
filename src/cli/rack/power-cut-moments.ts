import type { DeployStep } from '../../core/deployment.ts'
import type { TimelineEvent } from '../../core/timeline.ts'

/** A moment of a deployment, by what the agent reports or by what the machine shows on its console. */
export type PowerCutMoment = { name: string } & (
  | { kind: 'event'; isNow: (data: Record<string, unknown>) => boolean }
  | { kind: 'console'; pattern: RegExp }
)

export function whenStarted(step: DeployStep): PowerCutMoment {
  return { name: `${step} begins`, kind: 'event', isNow: (data) => data.step === step && data.state === 'started' }
}

export function whenDone(step: DeployStep): PowerCutMoment {
  return { name: `${step} is done`, kind: 'event', isNow: (data) => data.step === step && data.state === 'done' }
}

/** A step that is over before it was seen there counts as well. */
export function whenPartDone(step: DeployStep, share: number): PowerCutMoment {
  const isFar = ({ state, bytesDone, bytesTotal }: Record<string, unknown>) =>
    state === 'done' || (state === 'progress' && Number(bytesDone) >= share * Number(bytesTotal ?? Infinity))
  return {
    name: `${Math.round(share * 100)} % of ${step}`,
    kind: 'event',
    isNow: (data) => data.step === step && isFar(data),
  }
}

/** The server knows, and the agent is about to leave. */
export const whenWritten: PowerCutMoment = {
  name: 'written, before the hand-over',
  kind: 'event',
  isNow: ({ state, step }) => step === undefined && state === 'written',
}

/** Between hand-over and proof: the deployed system has its filesystems mounted and writes. */
export const whenFirstBooting: PowerCutMoment = {
  name: 'the first boot of the deployed system',
  kind: 'console',
  pattern: /Reached target .*Basic System/,
}

export function isAt(moment: PowerCutMoment, { data }: TimelineEvent): boolean {
  return moment.kind === 'event' && data !== undefined && moment.isNow(data)
}
