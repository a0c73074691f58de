/** What became of a step: seconds when it is done, bytes where the step has a size. */
export type StepRecord<Step extends string = string> = {
  step: Step
  state: 'started' | 'done' | 'failed'
  seconds?: number
  bytes?: number
  /** What the operator should know although the step is done. */
  notice?: string
  /** Failed: the agent says so itself, and has left nothing mounted. */
  reported?: true
  /** Lines of the scripts that ran in it, without secrets. */
  output?: string[]
  /** Of the first boot's hooks, how many have ended. */
  hooksEnded?: number
}

/**
 * The records with this one in its place. A step that begins again (after a reset, or a retry) stands once in the list, with
 * what followed it gone. What was said in it stays with it when it ends.
 */
export function withStep<Step extends string>(
  records: readonly StepRecord<Step>[],
  record: StepRecord<Step>,
): StepRecord<Step>[] {
  const index = records.findIndex(({ step }) => step === record.step)
  const output = record.state === 'started' ? undefined : records[index]?.output
  return [...records.slice(0, index === -1 ? records.length : index), { ...record, ...(output && { output }) }]
}
