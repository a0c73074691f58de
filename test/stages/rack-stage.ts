import { chooseCases } from '../../src/cli/rack/list-cases.ts'
import { runCases } from '../../src/cli/rack/run-cases.ts'
import { RackUnavailable } from '../../src/rack/check-rack.ts'
import type { Tally } from './tally.ts'

/** The default set's rack cases, or those whose name holds one of the filters; each is one test. */
export async function runRackCases(filters: readonly string[], tally: Tally, required: boolean): Promise<void> {
  const all = await chooseCases([])
  const cases = filters.length === 0 ? all : all.filter(({ name }) => filters.some((filter) => name.includes(filter)))
  if (cases.length === 0) return
  const told = new Set<string>()
  try {
    await runCases({
      cases,
      log: (line) => process.stdout.write(`  rack     ${line}\n`),
      onResult: (result) => {
        told.add(result.case)
        process.stdout.write(`${result.ok ? '✔' : '✖'} rack     ${result.case}  ${result.secondsTotal.toFixed(1)} s\n`)
        if (result.ok) return tally.pass()
        const logs = result.artifacts ? `\nlogs and captures: ${result.artifacts}` : ''
        tally.fail({ stage: 'rack', name: result.case, detail: `${result.failure ?? 'it failed'}${logs}` })
      },
    })
  } catch (error) {
    if (!(error instanceof RackUnavailable)) throw error
    process.stdout.write(`- rack     skipped: ${error.message}\n`)
    for (const { name } of cases) tally.skip('rack', name, error.message, required)
    return
  }
  for (const { name } of cases.filter((one) => !told.has(one.name))) {
    tally.fail({ stage: 'rack', name, detail: 'the case ended without a result' })
  }
}
