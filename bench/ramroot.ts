import { join } from 'node:path'
import type { CaseResult } from '../src/cli/rack/case.ts'
import { runProgram } from '../src/programs/run-program.ts'
import { type Benchmark, judgeGoal } from './benchmark.ts'

export const name = 'ramroot'
export const describe =
  'one Debian from memory as squashfs and as initrd, beside a hand-made initrd (find | cpio | gzip -9), in the virtual rack (needs root)'

const bootwright = join(import.meta.dirname, '../bin/bootwright')
const deadlineMs = 90 * 60_000
const names = ['squashfs', 'initrd', 'hand-made'] as const
const memoryGoal = 0.5
const bytesGoal = 0.7

export const run: Benchmark['run'] = async ({ log }) => {
  log('one round, whatever --rounds says: three machines of the rack, one after the other')
  const output = await runProgram(bootwright, ['rack', 'ramroot-bench', '--json'], { timeoutMs: deadlineMs })
  const result = JSON.parse(output.trim().split('\n').at(-1)!) as CaseResult
  if (!result.ok) throw new Error(`the rack case failed: ${result.failure}`)
  const figures: Record<string, number> = {}
  for (const each of names) {
    const prefix = each === 'hand-made' ? 'handMade' : each
    figures[`${prefix}MemoryBytes`] = figureOf(result, `${each} memory`, 'bytes')
    figures[`${prefix}UnavailableBytes`] = figureOf(result, `${each} unavailable`, 'bytes')
    figures[`${prefix}FetchedBytes`] = figureOf(result, each, 'bytes')
    figures[`${prefix}LoginSeconds`] = figureOf(result, each, 'seconds')
  }
  const memoryRatio = figures.squashfsMemoryBytes! / figures.handMadeMemoryBytes!
  const unavailableRatio = figures.squashfsUnavailableBytes! / figures.handMadeUnavailableBytes!
  const bytesRatio = figures.squashfsFetchedBytes! / figures.handMadeFetchedBytes!
  return {
    figures: { ...figures, memoryRatio, unavailableRatio, bytesRatio },
    goals: [
      judgeGoal('squashfs: memory in use after login beside the hand-made initrd', memoryRatio, '<=', memoryGoal),
      judgeGoal('squashfs: the same by MemAvailable, with reserve and cache', unavailableRatio, '<=', memoryGoal),
      judgeGoal('squashfs: bytes before login beside the hand-made initrd', bytesRatio, '<=', bytesGoal),
    ],
  }
}

function figureOf({ steps }: CaseResult, step: string, unit: 'bytes' | 'seconds'): number {
  const figure = steps?.find((each) => each.step === step)?.[unit]
  if (figure === undefined) throw new Error(`the rack case gave no ${unit} of ${step}`)
  return figure
}
