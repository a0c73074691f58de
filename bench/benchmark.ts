/** Something the project promises of a figure. `goal` is said as a comparison: `<= 1.1`, `>= 2`. */
export type Goal = { name: string; figure: number; goal: string; met: boolean }

export type BenchmarkRun = {
  /** How often each thing is measured; figures are medians. */
  rounds: number
  /** A line of progress for people. */
  log: (line: string) => void
}

/** A module bench/NAME.ts exports these. Units stand in the figures' names: `seconds`, `bytesPerSecond`, `ratio`. */
export type Benchmark = {
  name: string
  /** One sentence: what is measured beside which peer. */
  describe: string
  run(options: BenchmarkRun): Promise<{ figures: Record<string, number>; goals: Goal[] }>
}

/** `judgeGoal('ratio to tar', 1.04, '<=', 1.1)`. */
export function judgeGoal(name: string, figure: number, comparison: '<=' | '>=', bound: number): Goal {
  const met = comparison === '<=' ? figure <= bound : figure >= bound
  return { name, figure, goal: `${comparison} ${bound}`, met }
}
