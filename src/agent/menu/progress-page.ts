import type { ProgressReport } from '../../core/agent-protocol.ts'
import { describeProgress } from '../progress-line.ts'
import { type Frame, type FrameRow, frameRows, plainText, wrapText } from './frame.ts'
import { pageFrame } from './render-page.ts'

type Step = {
  step: string
  startedMs: number
  seconds?: number
  bytesDone?: number
  bytesTotal?: number
  detail?: string
}

/** What is being done, as the screen shows it. */
export type Progress = {
  title: string
  steps: readonly Step[]
  /** The last lines that were said. */
  lines: readonly string[]
}

/** Hears what the server is told of the steps. */
export type StepWatcher = (report: ProgressReport) => void

const bodyRow = 4
const barColumns = 20
const linesKept = 30

export function withReport(progress: Progress, report: ProgressReport, nowMs: number): Progress {
  const { step, state, bytesDone, bytesTotal, detail, seconds } = report
  // A step that begins again stands once.
  const earlier = progress.steps.filter((each) => each.step !== step)
  const known = progress.steps.find((each) => each.step === step)
  const begun = known === undefined || state === 'started' ? { step, startedMs: nowMs } : known
  const now: Step = {
    ...begun,
    ...(bytesDone !== undefined && { bytesDone }),
    ...(bytesTotal !== undefined && { bytesTotal }),
    ...(detail !== undefined && { detail }),
    ...(state === 'done' && { seconds: seconds ?? (nowMs - begun.startedMs) / 1000 }),
  }
  return { ...progress, steps: [...earlier, now] }
}

export function withLine(progress: Progress, line: string): Progress {
  return { ...progress, lines: [...progress.lines, line].slice(-linesKept) }
}

/** The steps with the bytes of the one at work, and below them as much as there is room for of what was said. */
export function renderProgress(progress: Progress, heading: string, keys: string, nowMs: number): Frame {
  const steps = progress.steps.flatMap((step) => stepRows(step, nowMs))
  const room = frameRows - bodyRow - 2
  const said = progress.lines.flatMap((line) => wrapText(line)).slice(-Math.max(3, room - steps.length - 1))
  const rows: FrameRow[] = [
    ...steps.slice(-(room - said.length - 1)),
    { text: '' },
    ...said.map((text) => ({ text: ` ${text}` })),
  ]
  const body = new Map(rows.slice(0, room).map((row, index) => [bodyRow + index, row]))
  return pageFrame(`Bootwright   ${plainText(heading)}`, progress.title, body, keys)
}

function stepRows({ step, startedMs, seconds, bytesDone, bytesTotal, detail }: Step, nowMs: number): FrameRow[] {
  const name = step.padEnd(18)
  if (seconds !== undefined) return [{ text: ` done ${seconds.toFixed(1).padStart(7)} s  ${name}${detail ?? ''}` }]
  const passed = (nowMs - startedMs) / 1000
  const first: FrameRow = { text: ` now  ${passed.toFixed(0).padStart(7)} s  ${name}`, style: 'strong' }
  if (bytesDone === undefined) return [first]
  const share = bytesTotal ? Math.min(1, bytesDone / bytesTotal) : 0
  const bar = '#'.repeat(Math.round(share * barColumns)).padEnd(barColumns, '.')
  const words = describeProgress(bytesDone, bytesTotal, passed)
  return [first, { text: bytesTotal ? `      [${bar}] ${words}` : `      ${words}`, style: 'strong' }]
}
