import { Command } from 'commander'
import { jsonOption } from './data-directory.ts'
import { printTable } from './output.ts'
import type { CaseResult } from './rack/case.ts'
import { chooseCases, listCases } from './rack/list-cases.ts'

type RackCommandOptions = { list?: boolean; all?: boolean; keep?: boolean; json?: boolean }

export function rackCommand(): Command {
  return new Command('rack')
    .description('runs end-to-end cases with virtual machines on a private network')
    .argument('[case...]', 'names of cases, see --list')
    .option('--list', 'show what cases there are')
    .option('--all', 'run the default set')
    .option('--keep', 'keep disks, logs and captures of every case, not only logs and captures of those that fail')
    .addOption(jsonOption())
    .action(rack)
}

async function rack(names: string[], options: RackCommandOptions, command: Command): Promise<void> {
  if (options.list) return printCases(options.json ?? false)
  if (names.length === 0 && !options.all) command.error('name a case (--list shows them), or --all for the default set')
  const { runCases } = await import('./rack/run-cases.ts') // with all it needs, which no other command does
  const interrupted = new AbortController()
  process.once('SIGINT', () => interrupted.abort())
  const results = await runCases({
    cases: await chooseCases(names),
    log: (line) => process.stderr.write(`${line}\n`),
    onResult: (result) => options.json && process.stdout.write(`${JSON.stringify(result)}\n`),
    keep: options.keep ?? false,
    signal: interrupted.signal,
  })
  if (!options.json) printResults(results)
  if (interrupted.signal.aborted || results.some(({ ok }) => !ok)) process.exitCode = 1
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

function printResults(results: readonly CaseResult[]): void {
  const rows = results.map((result) => [
    result.case,
    result.ok ? 'passed' : 'FAILED',
    `${result.secondsTotal.toFixed(1)} s`,
    result.secondsToAgent === undefined ? '' : `agent after ${result.secondsToAgent.toFixed(1)} s`,
    result.artifacts ?? '',
  ])
  printTable(['case', 'result', 'time', '', 'logs'], rows)
}
