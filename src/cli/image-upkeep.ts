import { resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import type { RetentionVerdict } from '../api/image-schemas.ts'
import { describeDamage, type VerifyReport } from '../image/upkeep/damage.ts'
import type { PruneResult } from '../image/upkeep/prune-result.ts'
import type { RepairResult } from '../image/upkeep/repair-repository.ts'
import { followJob } from './follow-job.ts'
import { type Shared, serviceOf, sharedCommand } from './image-service.ts'
import { printVerdicts } from './image-tags.ts'
import { formatBytes, printJson } from './output.ts'

export function upkeepCommands(): Command[] {
  return [
    sharedCommand('verify')
      .description('reads and compares everything in the image store; exit 1 when something is damaged')
      .option('--repair', 'mend what can be mended from the store itself')
      .option('--repair-from <place...>', "another service's boot plane (URL), store, or directory with the files")
      .action(verify),
    sharedCommand('prune')
      .description('removes the versions that no retention policy keeps, then what no version needs')
      .option('--image <image>', 'the versions of this image only')
      .option(
        '--grace <seconds>',
        'how long unneeded packs stay, because a machine may fetch them (a day)',
        parseSeconds,
      )
      .option('--dry-run', 'only say what would be done')
      .action(prune),
  ]
}

async function verify(options: Shared & { repair?: boolean; repairFrom?: string[] }): Promise<void> {
  const repairFrom = (options.repairFrom ?? []).map((place) => (/^https?:/i.test(place) ? place : resolve(place)))
  const result = await followJob<RepairResult>(serviceOf(options), {
    method: 'POST',
    path: '/api/v1/image-verify',
    body: { repair: options.repair ?? false, repairFrom },
  })
  if (options.json) printJson(result)
  else process.stdout.write(formatVerified(result))
  if (!result.after.isWhole) process.exitCode = 1
}

export function formatVerified({ before, repairs, unreachable, after }: RepairResult): string {
  const lines = before.damages.map(describeDamage)
  lines.push(...unreachable.map((origin) => `${origin} could not be asked`))
  lines.push(...repairs.map(({ file, how }) => `${file}: ${how}`))
  if (repairs.length > 0) lines.push(...after.damages.map((damage) => `still: ${describeDamage(damage)}`))
  return `${[...lines, summary(after)].join('\n')}\n`
}

function summary(report: VerifyReport): string {
  const { versions, renditions, chunks, packs, bytesRead, damages, durationMs } = report
  const what = `${versions} versions, ${renditions} renditions, ${chunks} chunks in ${packs} packs (${formatBytes(bytesRead)}, ${(durationMs / 1000).toFixed(1)} s)`
  return `${report.isWhole ? 'whole' : `${damages.length} damaged`}: ${what}`
}

async function prune(options: Shared & { image?: string; grace?: number; dryRun?: boolean }): Promise<void> {
  const verdicts: RetentionVerdict[] = []
  const { image, grace: graceSeconds, dryRun = false } = options
  const result = await followJob<PruneResult, RetentionVerdict[]>(serviceOf(options), {
    method: 'POST',
    path: '/api/v1/image-prune',
    body: { ...(image !== undefined && { image }), ...(graceSeconds !== undefined && { graceSeconds }), dryRun },
    onPart: (some) => void verdicts.push(...some),
  })
  const gone = verdicts.filter(({ because }) => because.length === 0)
  if (options.json) return printJson({ ...result, removedVersions: gone, dryRun })
  if (gone.length > 0) printVerdicts(gone)
  process.stdout.write(formatPruned(result, { versions: gone.length, dryRun }))
}

export function formatPruned(result: PruneResult, { versions, dryRun }: { versions: number; dryRun: boolean }): string {
  const { totalBytes, neededBytes, deleted, waiting, rewritten, copiedBytes } = result
  const sum = (packs: readonly { sizeBytes: number }[]) =>
    formatBytes(packs.reduce((all, one) => all + one.sizeBytes, 0))
  const would = dryRun ? 'would be' : 'were'
  const lines = [
    `${versions} versions ${would} removed${dryRun && versions > 0 ? '; what they alone need is not counted below' : ''}`,
    `${formatBytes(neededBytes)} of ${formatBytes(totalBytes)} are needed`,
    `${deleted.length} packs ${would} deleted (${sum(deleted)}); ${rewritten.length} written anew (${formatBytes(copiedBytes)} copied)`,
  ]
  const [next] = waiting.map(({ deletableAt }) => deletableAt).sort((a, b) => a - b)
  if (next !== undefined) {
    lines.push(`${waiting.length} packs (${sum(waiting)}) wait for a prune after ${new Date(next).toISOString()}`)
  }
  return `${lines.join('\n')}\n`
}

function parseSeconds(text: string): number {
  if (/^\d+$/.test(text)) return Number(text)
  throw new InvalidArgumentError('it is a whole number of seconds')
}
