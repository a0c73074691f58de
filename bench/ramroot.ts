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
    const boot = result.steps?.find(({ step }) => step === each)
    const memory = result.steps?.find(({ step }) => step === `${each} memory`)
    if (boot?.seconds === undefined || boot.bytes === undefined || memory?.bytes === undefined) {
      throw new Error(`the rack case gave no figures of ${each}`)
    }
    const prefix = each === 'hand-made' ? 'handMade' : each
    figures[`${prefix}MemoryBytes`] = memory.bytes
    figures[`${prefix}FetchedBytes`] = boot.bytes
    figures[`${prefix}LoginSeconds`] = boot.seconds
  }
  const memoryRatio = figures.squashfsMemoryBytes! / figures.handMadeMemoryBytes!
  const bytesRatio = figures.squashfsFetchedBytes! / figures.handMadeFetchedBytes!
  return {
    figures: { ...figures, memoryRatio, bytesRatio },
    goals: [
      judgeGoal('squashfs: memory after login beside the hand-made initrd', memoryRatio, '<=', memoryGoal),
      judgeGoal('squashfs: bytes before login beside the hand-made initrd', bytesRatio, '<=', bytesGoal),
    ],
  }
}
