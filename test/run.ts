/*
 * The whole suite: npm test. For quick work: npm test -- --only unit dhcp, or --only unit --name 'decideOffer'.
 * A word that is no option chooses the files, and the rack cases, whose name holds it. The last line is the result.
 */
import { glob } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { runNodeTests } from './stages/node-test-stage.ts'
import { runCheck } from './stages/program-stage.ts'
import { describeError, type StageName, Tally } from './stages/tally.ts'

const root = join(import.meta.dirname, '..')
const stages: readonly StageName[] = ['static', 'unit', 'interop', 'rack']
const architectureTest = join(root, 'test/architecture.test.ts')

const { values: options, positionals: filters } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', multiple: true, default: [] },
    name: { type: 'string' },
  },
})
const chosen = options.only.length === 0 ? stages : stages.filter((stage) => options.only.includes(stage))
const unknown = options.only.filter((name) => !(stages as readonly string[]).includes(name))
if (unknown.length > 0) {
  process.stderr.write(`There is no stage "${unknown.join(', ')}"; the stages are ${stages.join(', ')}\n`)
  process.exit(2)
}

process.chdir(root)
const isRequired = process.env.REQUIRE_INTEROP === '1'
const namePattern = options.name === undefined ? {} : { namePattern: new RegExp(options.name) }
const parallel = Math.min(4, availableParallelism())
const tally = new Tally()
for (const stage of chosen) {
  try {
    await runStage(stage)
  } catch (error) {
    // The stage itself broke, not a test in it: told as a failure, and the other stages still run.
    tally.fail({ stage, name: `the ${stage} stage`, detail: describeError(error) })
  }
}
process.stdout.write(`${tally.report()}\n`)
process.exit(tally.failures.length === 0 && tally.passed > 0 ? 0 : 1)

async function runStage(stage: StageName): Promise<void> {
  if (stage === 'static') {
    if (filters.length === 0) {
      const tool = (name: string) => join(root, 'node_modules/.bin', name)
      await runCheck('format and lint (biome)', tool('biome'), ['check', '.'], tally)
      await runCheck('types (tsc)', tool('tsc'), ['--noEmit'], tally)
    }
    const files = selected([architectureTest])
    return runNodeTests(
      { stage, files, concurrency: 1, timeoutMs: 60_000, required: true, ...namePattern },
      tally,
      root,
    )
  }
  if (stage === 'unit') {
    const files = selected([...(await filesOf('src/**/*.test.ts')), ...(await filesOf('test/*.test.ts'))])
    const unit = files.filter((file) => file !== architectureTest)
    const settings = { concurrency: parallel, timeoutMs: 3 * 60_000, required: false, ...namePattern }
    return runNodeTests({ stage, files: unit, ...settings }, tally, root)
  }
  if (stage === 'interop') {
    const files = selected(await filesOf('test/interop/*.test.ts'))
    if (filters.length === 0) await prepareSuppliesOnce()
    const settings = {
      concurrency: Math.min(2, parallel),
      timeoutMs: 15 * 60_000,
      required: isRequired,
      ...namePattern,
    }
    return runNodeTests({ stage, files, ...settings }, tally, root)
  }
  if (options.name !== undefined) return
  // Loaded late: a fault in what the rack imports must not stop the stages before it.
  const { runRackCases } = await import('./stages/rack-stage.ts')
  await runRackCases(filters, tally, isRequired)
}

/** Image and ramdisk take minutes to make on a fresh machine: once and with progress, before tests that want them at once. */
async function prepareSuppliesOnce(): Promise<void> {
  const { prepareSupplies } = await import('../src/cli/rack/supplies.ts')
  const { ProgressBar } = await import('../src/cli/progress-bar.ts')
  await prepareSupplies(new ProgressBar())
}

async function filesOf(pattern: string): Promise<string[]> {
  const files = await Array.fromAsync(glob(pattern, { cwd: root }))
  return files.map((file) => join(root, file)).sort()
}

function selected(files: string[]): string[] {
  if (filters.length === 0) return files
  return files.filter((file) => filters.some((filter) => relative(root, file).includes(filter)))
}
