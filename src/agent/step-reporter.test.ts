import { test } from 'node:test'
import type { ProgressReport } from '../core/agent-protocol.ts'
import { StepReporter } from './step-reporter.ts'

const unexpected = (error: unknown) => {
  throw error
}

test('StepReporter delivers the steps in order', async (t) => {
  const sent: string[] = []
  const reporter = new StepReporter(
    'd1',
    async (report) => void sent.push(`${report.step} ${report.state}`),
    unexpected,
  )
  reporter.started('partition')
  reporter.done('partition', { seconds: 1 })
  reporter.started('write')
  await reporter.delivered()
  t.assert.deepEqual(sent, ['partition started', 'partition done', 'write started'])
})

test('StepReporter tells progress at most twice a second and never holds up the work', async (t) => {
  const sent: ProgressReport[] = []
  const reporter = new StepReporter('d1', async (report) => void sent.push(report), unexpected)
  reporter.started('write')
  for (let bytes = 0; bytes < 10_000; bytes++) reporter.progress('write', bytes, 10_000)
  reporter.done('write', { bytesDone: 10_000 })
  await reporter.delivered()
  t.assert.deepEqual(
    sent.map((report) => [report.state, report.bytesDone]),
    [
      ['started', undefined],
      ['progress', 0],
      ['done', 10_000],
    ],
  )
})

test('StepReporter keeps what is said while the server is away', async (t) => {
  const back = Promise.withResolvers<void>()
  const sent: string[] = []
  const reporter = new StepReporter(
    'd1',
    async (report) => {
      await back.promise
      sent.push(`${report.step} ${report.state}`)
    },
    unexpected,
  )
  reporter.started('write')
  reporter.done('write', {})
  reporter.started('verify')
  back.resolve()
  await reporter.delivered()
  t.assert.deepEqual(sent, ['write started', 'write done', 'verify started'])
})

test('StepReporter hands on a refusal once and drops what waited', async (t) => {
  const refusals: unknown[] = []
  const reporter = new StepReporter(
    'd1',
    async () => {
      throw new Error('cancelled')
    },
    (error) => refusals.push(error),
  )
  reporter.started('write')
  reporter.done('write', {})
  await reporter.delivered()
  t.assert.equal(refusals.length, 1)
})
