import { relative } from 'node:path'
import { run } from 'node:test'
import { describeError, type StageName, type Tally } from './tally.ts'

export type NodeTestStage = {
  stage: StageName
  files: string[]
  /** How many files run at once. */
  concurrency: number
  /** For one file. */
  timeoutMs: number
  /** Only tests whose name matches. */
  namePattern?: RegExp
  /** Skips are failures. */
  required: boolean
}

type TestEvent = {
  name: string
  file?: string | undefined
  line?: number | undefined
  skip?: string | boolean | undefined
  todo?: string | boolean | undefined
  details: { type?: string | undefined; error?: unknown }
}

/** What a test file wrote to its standard error is shown when the file itself broke: this much of its end. */
const stderrKeptCharacters = 4000

/** Runs test files with node:test, each in its own process, one line of progress a file. */
export async function runNodeTests(stage: NodeTestStage, tally: Tally, root: string): Promise<void> {
  if (stage.files.length === 0) return
  const stream = run({
    files: stage.files,
    concurrency: stage.concurrency,
    timeout: stage.timeoutMs,
    ...(stage.namePattern && { testNamePatterns: [stage.namePattern] }),
  })
  const stderr = new Map<string, string>()
  const place = (event: TestEvent) => (event.file ? `${relative(root, event.file)}:${event.line ?? 1}` : '')
  stream.on('test:pass', (event: TestEvent) => {
    if (event.details.type === 'suite' || isFile(event)) return
    if (event.skip === undefined) tally.pass()
    else {
      const why = typeof event.skip === 'string' ? event.skip : 'no reason given'
      tally.skip(stage.stage, event.name, why, stage.required)
      process.stdout.write(`- ${stage.stage.padEnd(8)} skipped: ${event.name} (${why})\n`)
    }
  })
  stream.on('test:fail', (event: TestEvent) => {
    if (isOnlyParent(event)) return
    tally.fail({
      stage: stage.stage,
      name: event.name,
      place: place(event),
      detail: detailOf(event, stderr.get(event.file ?? '') ?? ''),
    })
  })
  stream.on('test:stderr', ({ file, message }) => {
    stderr.set(file, `${stderr.get(file) ?? ''}${message}`.slice(-stderrKeptCharacters))
  })
  stream.on('test:summary', (summary) => {
    if (summary.file === undefined) return
    const { passed, skipped } = summary.counts
    const counts = `${passed} passed${skipped ? `, ${skipped} skipped` : ''}${summary.success ? '' : ', FAILED'}`
    const seconds = (summary.duration_ms / 1000).toFixed(1)
    process.stdout.write(
      `${summary.success ? '✔' : '✖'} ${stage.stage.padEnd(8)} ${relative(root, summary.file)}  ${counts}  ${seconds} s\n`,
    )
  })
  // Reading to the end is what runs the tests.
  for await (const _event of stream);
}

function detailOf(event: TestEvent, stderr: string): string {
  const said = describeError(event.details.error)
  if (!isFile(event)) return said
  const { exitCode, signal } = (event.details.error ?? {}) as { exitCode?: number; signal?: string }
  return `${said}: the file's process ended with ${signal ?? `code ${exitCode}`}\n${stderr}`
}

/** The event is about a whole file: it passed with no test in it, or it could not be loaded, or its process died. */
function isFile(event: TestEvent): boolean {
  return event.file !== undefined && event.name === event.file
}

/** A suite, or a test that failed only because one inside it did: those inside are told already. */
function isOnlyParent(event: TestEvent): boolean {
  const error = event.details.error as { failureType?: string } | undefined
  return error?.failureType === 'subtestsFailed'
}
