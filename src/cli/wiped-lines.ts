import { Check } from 'typebox/value'
import type { Errand } from '../core/errand.ts'
import { oneLine } from '../core/one-line.ts'
import { describeWiped, nameOfDisk, WipeResult } from '../core/wipe-record.ts'

const longestLine = 1000

/** What was done to each disk, for a terminal; nothing for errands that wiped none. */
export function wipedLines({ result }: Pick<Errand, 'result'>): string[] {
  if (!Check(WipeResult, result)) return []
  return result.disks.flatMap((record) => [
    line(2, `${nameOfDisk(record)}: ${describeWiped(record)}`),
    ...record.attempts
      .filter(({ outcome }) => outcome !== 'erased')
      .map(({ method, outcome, answer, verification }) =>
        line(4, `tried ${method}: ${outcome === 'refused' ? answer : `it said "${answer}", but ${verification}`}`),
      ),
    ...record.leftOut.map((words) => line(4, `not tried: ${words}`)),
    ...record.notReached.map((words) => line(4, `not reached: ${words}`)),
  ])
}

function line(indent: number, words: string): string {
  return ' '.repeat(indent) + oneLine(words, longestLine)
}
