import { inspect } from 'node:util'

export type StageName = 'static' | 'unit' | 'interop' | 'rack'

export type Failure = { stage: StageName; name: string; place?: string; detail: string }

/** Counts every test of every stage, and keeps the details of those that failed for the end. */
export class Tally {
  passed = 0
  skipped = 0
  readonly failures: Failure[] = []

  pass(): void {
    this.passed++
  }

  fail(failure: Failure): void {
    this.failures.push(failure)
  }

  /** A stage that must run whole (`required`) has no skips: they are failures. */
  skip(stage: StageName, name: string, why: string, required: boolean): void {
    if (required) this.fail({ stage, name, detail: `skipped, and REQUIRE_INTEROP is set: ${why}` })
    else this.skipped++
  }

  /** Everything that failed, then the one line that says how it went. */
  report(): string {
    const lines: string[] = []
    for (const { stage, name, place, detail } of this.failures) {
      lines.push('', `✖ ${stage}: ${name}${place ? `  (${place})` : ''}`, indent(detail))
    }
    const skipped = this.skipped > 0 ? `, ${this.skipped} skipped` : ''
    lines.push('', `${this.passed} passed, ${this.failures.length} failed${skipped}`)
    return lines.join('\n')
  }
}

const detailLimitCharacters = 6000

/** The error a test threw, without the test runner's own wrapping and frames. */
export function describeError(error: unknown): string {
  const cause = error instanceof Error && 'code' in error && error.code === 'ERR_TEST_FAILURE' ? error.cause : error
  if (typeof cause === 'string') return cause
  // An assertion's message has its values already; as properties they would stand there again, in full.
  const text = isAssertion(cause) ? (cause.stack ?? cause.message) : inspect(cause, { depth: 4 })
  const short = text.replaceAll(/^\s+at .*node:internal\/.*\n?/gm, '')
  return short.length <= detailLimitCharacters ? short : `${short.slice(0, detailLimitCharacters)}\n… cut here`
}

/** By its code: an error that came from a test's process has lost its class. */
function isAssertion(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === 'ERR_ASSERTION'
}

function indent(text: string): string {
  return text.replace(/^/gm, '    ')
}
