import type { Command } from 'commander'
import { printable } from '../bytes/printable.ts'
import type { Aspect, FileChange } from '../image/diff/compare-trees.ts'
import type { VersionDifference } from '../image/diff/diff-versions.ts'
import type { PackageChange } from '../image/diff/installed-package.ts'
import { followJob } from './follow-job.ts'
import { type Shared, serviceOf, sharedCommand } from './image-service.ts'
import { formatBytes, printJson, printTable } from './output.ts'

type Options = Shared & { files: boolean; all?: boolean }

export function diffCommand(): Command {
  return sharedCommand('diff <from> <to>')
    .description('what the second version (NAME, NAME:TAG or NAME@VERSION) has otherwise than the first')
    .option('--no-files', 'packages and sums only')
    .option('--all', 'also files and directories of which only the time changed')
    .action(diff)
}

async function diff(from: string, to: string, options: Options): Promise<void> {
  const files: FileChange[] = []
  const difference = await followJob<VersionDifference, FileChange[]>(serviceOf(options), {
    method: 'GET',
    path: `/api/v1/image-diff?${new URLSearchParams({ from, to })}`,
    onPart: (some) => void files.push(...some),
  })
  if (options.json) return printJson({ ...difference, changes: files })
  process.stdout.write(formatDifference(difference, options.files ? files : [], { withTimes: options.all ?? false }))
  if (difference.packages.length > 0) printPackages(difference.packages)
}

/** One line a path: `+` added, `-` removed, `~` changed and what of it. */
export function formatDifference(
  difference: VersionDifference,
  files: readonly FileChange[],
  { withTimes }: { withTimes: boolean },
): string {
  const shown = files.filter(({ aspects }) => withTimes || aspects?.some((aspect) => aspect !== 'time') !== false)
  const lines = shown.map(formatChange)
  if (shown.length < files.length) lines.push(`  (and ${files.length - shown.length} of which only the time changed)`)
  const { added, removed, changed } = difference.files
  const { chunks, storedBytes } = difference.move
  lines.push(
    `files: ${added} added, ${removed} removed, ${changed} changed`,
    `packages: ${countPackages(difference.packages)}`,
    ...difference.unreadPackages.map(({ version, path, reason }) =>
      printable(`packages of ${version.slice(0, 12)} in ${path} were not read: ${reason}`, 1000),
    ),
    `to fetch: ${formatBytes(storedBytes)} in ${chunks} chunks, by a machine that has the first`,
  )
  return `${lines.join('\n')}\n`
}

const signs = { added: '+', removed: '-', changed: '~' } as const

function formatChange({ change, path, type, aspects }: FileChange): string {
  const name = `/${printable(path.toWellFormed(), 4096)}${type === 'directory' && path !== '' ? '/' : ''}`
  const said: Aspect[] = aspects ?? []
  return `${signs[change]} ${name}${said.length > 0 ? `  (${said.join(', ')})` : ''}`
}

function countPackages(packages: readonly PackageChange[]): string {
  const count = (kind: PackageChange['change']) => packages.filter(({ change }) => change === kind).length
  return `${count('added')} added, ${count('removed')} removed, ${count('changed')} changed`
}

function printPackages(packages: readonly PackageChange[]): void {
  printTable(
    ['', 'PACKAGE', 'ARCHITECTURE', 'BEFORE', 'AFTER'],
    packages.map(({ change, name, architecture, before = '', after = '' }) =>
      [signs[change], name, architecture, before, after].map((text) => printable(text)),
    ),
  )
}
