import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ProgressReport } from '../../core/agent-protocol.ts'
import { frameText } from './menu.fixture.ts'
import { type Progress, renderProgress, withLine, withReport } from './progress-page.ts'

const begun: Progress = { title: 'Writing debian to this machine', steps: [], lines: [] }
type Said = Pick<ProgressReport, 'step' | 'state'> & Partial<ProgressReport>

function after(reports: readonly Said[]): Progress {
  return reports.reduce(
    (progress, report, index) => withReport(progress, { ...report } as ProgressReport, index * 1000),
    begun,
  )
}

const reports: Said[] = [
  { step: 'select-disk', state: 'started' },
  {
    step: 'select-disk',
    state: 'done',
    seconds: 0.2,
    detail: 'chose /dev/vda [virtio, serial ROOT, 4.3 GB]; layout whole-disk',
  },
  { step: 'partition', state: 'started' },
  { step: 'partition', state: 'done', seconds: 1.4, detail: 'discarded; new GPT' },
  { step: 'write', state: 'started' },
  { step: 'write', state: 'progress', bytesDone: 120_000_000, bytesTotal: 266_000_000 },
]

test('renderProgress() draws steps, a bar with rate and time left, and what was said last', (t) => {
  const progress = ['one', 'two'].reduce(withLine, after(reports))
  const frame = renderProgress(progress, 'rack-1', '', 10_000)
  t.assert.fileSnapshot(frameText(frame), join(import.meta.dirname, 'goldens', 'progress.txt'), {
    serializers: [(text) => text],
  })
})

test('withReport() shows a step that begins again once, from its new beginning', () => {
  const { steps } = after([...reports, { step: 'write', state: 'started' }])
  assert.deepEqual(steps.at(-1), { step: 'write', startedMs: 6000 })
  assert.equal(steps.length, 3)
})

test('renderProgress() keeps the step at work and the last line on the screen, whatever was said before', () => {
  const many = Array.from({ length: 50 }, (_, index) => `line ${index}`).reduce(withLine, after(reports))
  const text = frameText(renderProgress(many, 'rack-1', 'keys', 10_000))
  assert.match(text, /now .*write/)
  assert.match(text, /line 49\n/)
  assert.equal(text.split('\n').length, 25)
})
