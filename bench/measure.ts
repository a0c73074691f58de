/** One thing to time: `prepare` and `finish` are not counted, `run` is. */
export type Contender = {
  name: string
  prepare?: () => Promise<void>
  run: () => Promise<void>
  finish?: () => Promise<void>
}

/**
 * Times every contender once a round, in turn, and the turn begins with another one each round, so that a noisy minute
 * or a warm cache is nobody's advantage. Answers each one's seconds, a number a round.
 */
export async function measureInTurn(
  contenders: readonly Contender[],
  rounds: number,
  log: (line: string) => void,
): Promise<Record<string, number[]>> {
  const seconds: Record<string, number[]> = Object.fromEntries(contenders.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const contender = contenders[(round + turn) % contenders.length]!
      await contender.prepare?.()
      const startedAt = performance.now()
      await contender.run()
      const taken = (performance.now() - startedAt) / 1000
      seconds[contender.name]!.push(taken)
      await contender.finish?.()
      log(`round ${round + 1} of ${rounds}: ${contender.name} ${taken.toFixed(3)} s`)
    }
  }
  return seconds
}

/** The middle of the sorted values, or the mean of the two middle ones. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('Cannot take the median of no values')
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
