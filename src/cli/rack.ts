import { Command } from 'commander'
import { jsonOption } from './data-directory.ts'
import { formatDuration, printTable } from './output.ts'
import type { CaseResult } from './rack/case.ts'
import { chooseCases, type ListedCase, listCases } from './rack/list-cases.ts'

type RackCommandOptions = { list?: boolean; all?: boolean; default?: boolean; keep?: boolean; json?: boolean }

export function rackCommand(): Command {
  return new Command('rack')
    .description('runs end-to-end cases with virtual machines on a private network')
    .argument('[case...]', 'names of cases, see --list')
    .option('--list', 'show what cases there are')
    .option('--all', 'run every case')
    .option('--default', 'run the default set, which is part of npm test')
    .option('--keep', 'keep disks, logs and captures of every case, not only logs and captures of those that fail')
    .addOption(jsonOption())
    .action(rack)
}

async function rack(names: string[], options: RackCommandOptions, command: Command): Promise<void> {
  if (options.list) return printCases(options.json ?? false)
  const isChosen = names.length > 0 || options.all || options.default
  if (!isChosen) command.error('name a case (--list shows them), or --default for the default set, or --all')
  const { runCases } = await import('./rack/run-cases.ts') // with all it needs, which no other command does
  const interrupted = new AbortController()
  process.once('SIGINT', () => interrupted.abort())
  const startedAt = performance.now()
  const cases = options.all ? await listCases() : await chooseCases(names)
  const results = await runCases({
    cases,
    log: (line) => process.stderr.write(`${line}\n`),
    onResult: (result) => options.json && process.stdout.write(`${JSON.stringify(result)}\n`),
    keep: options.keep ?? false,
    signal: interrupted.signal,
  })
  printResults(cases, results, (performance.now() - startedAt) / 1000, options.json ? process.stderr : process.stdout)
  if (results.length < cases.length || results.some(({ ok }) => !ok)) process.exitCode = 1
}

async function printCases(asJson: boolean): Promise<void> {
  const cases = (await listCases()).map(({ name, set, describe }) => ({ name, set, describe }))
  if (asJson) process.stdout.write(`${JSON.stringify(cases)}\n`)
  else {
    printTable(
      ['case', 'set', 'what it shows'],
      cases.map(({ name, set, describe }) => [name, set, describe]),
    )
  }
}

/** One line for each case in the order in which they were chosen, also for those that an interruption left out. */
function printResults(
  cases: readonly ListedCase[],
  results: readonly CaseResult[],
  seconds: number,
  output: NodeJS.WritableStream,
): void {
  const rows = cases.map(({ name }) =>
    resultRow(
      name,
      results.find((result) => result.case === name),
    ),
  )
  printTable(['case', 'result', 'time', 'to the agent', 'logs'], rows, output)
  const passed = results.filter(({ ok }) => ok).length
  const notRun = cases.length - results.length
  const counts = [`${passed} passed`, `${results.length - passed} failed`, ...(notRun > 0 ? [`${notRun} not run`] : [])]
  output.write(`${counts.join(', ')}, in ${formatDuration(seconds)}\n`)
}

function resultRow(name: string, result: CaseResult | undefined): string[] {
  if (!result) return [name, 'not run']
  const toAgent = result.secondsToAgent === undefined ? '' : `${result.secondsToAgent.toFixed(1)} s`
  return [name, result.ok ? 'passed' : 'FAILED', `${result.secondsTotal.toFixed(1)} s`, toAgent, result.artifacts ?? '']
}
