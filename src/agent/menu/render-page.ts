import { lastScroll, pictureOf, pictureRows } from './disk-picture.ts'
import { type Frame, type FrameRow, frameColumns, frameRows, plainText, wrapText } from './frame.ts'
import { clearYes, type MenuState, mainOptions } from './menu-state.ts'
import { optionsOf, type Question, questionTitles } from './options.ts'
import type { MenuWorld, Selection } from './selection.ts'

type Line = { label: string; group?: string; about?: string; refusal?: string }

const bodyRow = 4
/** Where the words about the marked line begin. */
const aboutRow = 18
const aboutRows = 4
const keysForLists = 'Up/Down or n/p: move   Enter or 1-9: choose   Esc or b: back'
const keysForText = `Type ${clearYes} and Enter: begin   Esc: back   Up/Down: scroll`

/** The menu's screen as it stands. */
export function renderPage(state: MenuState, world: MenuWorld): Frame {
  const heading = `Bootwright   ${plainText(world.machine)}`
  switch (state.page) {
    case 'main':
      return listFrame(heading, `Server ${world.server}`, mainOptions(world), state.cursor, keysForLists)
    case 'confirm':
      return confirmFrame(heading, state, world)
    case 'password':
      return passwordFrame(heading, state)
    case 'told':
      return wordsFrame(heading, state.told!.title, state.told!.text)
    default: {
      const options = optionsOf(state.page, state.selection, world) ?? []
      const title = `${questionTitles[state.page]}${chosenSoFar(state.page, state.selection)}`
      return listFrame(heading, title, options, state.cursor, keysForLists)
    }
  }
}

/** Rows with the heading above and the keys below; what comes between lies where `body` says. */
export function pageFrame(heading: string, title: string, body: ReadonlyMap<number, FrameRow>, keys: string): Frame {
  const rows = Array.from({ length: frameRows }, (_, row): FrameRow => body.get(row) ?? { text: '' })
  rows[0] = { text: ` ${heading}`.padEnd(frameColumns), style: 'title' }
  rows[2] = { text: ` ${title}`, style: 'strong' }
  rows[frameRows - 1] = { text: ` ${keys}` }
  return { rows }
}

function listFrame(heading: string, title: string, lines: readonly Line[], cursor: number, keys: string): Frame {
  const all = lines.flatMap((line, index): FrameRow[] => {
    const isChosen = index === cursor
    const number = index < 9 ? `${index + 1}` : ' '
    const mark = line.refusal === undefined ? ' ' : 'x'
    const row: FrameRow = { text: `${isChosen ? '>' : ' '}${number} ${mark} ${line.label}` }
    if (isChosen) row.style = 'chosen'
    const isNewGroup = line.group !== undefined && line.group !== lines[index - 1]?.group
    return isNewGroup ? [{ text: `  ${line.group}`, style: 'strong' }, row] : [row]
  })
  const marked = all.findIndex(({ style }) => style === 'chosen')
  const body = new Map(window(all, marked, aboutRow - bodyRow - 1).map((row, index) => [bodyRow + index, row]))
  const { about, refusal } = lines[cursor] ?? {}
  const words = refusal === undefined ? (about ?? '') : `Not possible: ${refusal}`
  for (const [index, text] of firstLines(words, aboutRows).entries()) body.set(aboutRow + index, { text: ` ${text}` })
  return pageFrame(heading, title, body, keys)
}

/** As many lines as there is room for; what is left out is said. */
function firstLines(words: string, room: number): string[] {
  const lines = words.split('\n').flatMap((line) => wrapText(line))
  if (lines.length <= room) return lines
  return [...lines.slice(0, room - 1), `... ${lines.length - room + 1} more lines`]
}

/** As many rows as there is room for, the marked one among them; what is left out is said. */
function window(rows: readonly FrameRow[], marked: number, room: number): FrameRow[] {
  if (rows.length <= room) return [...rows]
  const shown = room - 2
  const start = Math.min(Math.max(0, marked - Math.floor(shown / 2)), rows.length - shown)
  const below = rows.length - start - shown
  return [
    { text: start === 0 ? '' : `      ... ${start} more above` },
    ...rows.slice(start, start + shown),
    { text: below === 0 ? '' : `      ... ${below} more below` },
  ]
}

function chosenSoFar(page: Question, { image, version, disk, layout }: Selection): string {
  const chosen = [image?.name, version?.id.slice(0, 12), disk?.device.replace('/dev/', ''), layout?.name].slice(
    0,
    { image: 0, version: 1, disk: 2, layout: 3, root: 4, filesystem: 4, transfer: 4 }[page],
  )
  return chosen.length === 0 ? '' : `   (${plainText(chosen.join(', '))})`
}

function confirmFrame(heading: string, state: MenuState, world: MenuWorld): Frame {
  const picture = pictureOf(state.selection, world)
  const start = Math.min(state.cursor, lastScroll(picture))
  const body = new Map(picture.slice(start, start + pictureRows).map((row, index) => [bodyRow + index, row]))
  const below = picture.length - start - pictureRows
  if (below > 0) body.set(bodyRow + pictureRows, { text: ` ... more lines below: ${below}` })
  const row = frameRows - 2
  const question = ` This cannot be undone. Type ${clearYes} and press Enter to begin: `
  body.set(row, { text: `${question}${plainText(state.input)}`, style: 'strong' })
  const frame = pageFrame(heading, titleOf(state.selection), body, keysForText)
  return { ...frame, cursor: { row, column: Math.min(frameColumns, question.length + state.input.length) } }
}

/** The disk first: it is what must not be cut off. */
function titleOf({ image, version, disk }: Selection): string {
  return `Write to ${disk?.device}: ${version?.id.slice(0, 12)} of ${image?.name}?`
}

function passwordFrame(heading: string, { input }: MenuState): Frame {
  const question = ' Password: '
  const body = new Map([[bodyRow, { text: `${question}${'*'.repeat([...input].length)}` }]])
  const title = 'The operator of this site wants a password for this'
  const frame = pageFrame(heading, title, body, 'Enter: go on   Esc: back')
  return { ...frame, cursor: { row: bodyRow, column: question.length + [...input].length } }
}

function wordsFrame(heading: string, title: string, text: string): Frame {
  const lines = firstLines(text, frameRows - bodyRow - 2)
  const body = new Map(lines.map((line, index): [number, FrameRow] => [bodyRow + index, { text: ` ${line}` }]))
  return pageFrame(heading, title, body, 'Enter: back to the menu')
}
