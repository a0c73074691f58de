/** One screen of 80 by 24: a serial line rarely has more. The last column stays free, because terminals differ in what follows it. */
export const frameColumns = 79
export const frameRows = 24

export type FrameRow = { text: string; style?: 'title' | 'strong' | 'chosen' }

/** Rows from the top; what is missing is empty. */
export type Frame = { rows: readonly FrameRow[]; cursor?: { row: number; column: number } }

const styles = { title: '\x1b[7m', strong: '\x1b[1m', chosen: '\x1b[7m' } as const

/**
 * What a terminal must be sent so that it shows `next`: only rows that changed, or all of them where it is not known what it
 * shows. VT100 without colours, which every console and every terminal program understands.
 */
export function drawFrame(previous: Frame | undefined, next: Frame): string {
  let output = previous === undefined ? '\x1b[0m\x1b[2J' : ''
  for (let row = 0; row < frameRows; row++) {
    const now = styled(next.rows[row])
    if (now === styled(previous?.rows[row])) continue
    output += `\x1b[${row + 1};1H${now}\x1b[0m\x1b[K`
  }
  const { row, column } = cursorOf(next)
  const was = previous && cursorOf(previous)
  const isThere = output === '' && was?.row === row && was.column === column
  const isVisible = next.cursor !== undefined
  return isThere ? '' : `${output}\x1b[${row + 1};${column + 1}H${isVisible ? '\x1b[?25h' : '\x1b[?25l'}`
}

function cursorOf({ cursor }: Frame): { row: number; column: number } {
  return cursor ?? { row: frameRows - 1, column: 0 }
}

/** Below the frame, where what follows does not mix with it. */
export const leaveFrame = `\x1b[0m\x1b[?25h\x1b[${frameRows};1H\r\n`

function styled(row: FrameRow | undefined): string {
  if (row === undefined) return ''
  const text = rowText(row.text)
  return row.style === undefined ? text : `${styles[row.style]}${text}`
}

/** As it stands on the screen: what is too long ends in dots. */
export function rowText(text: string): string {
  const plain = plainText(text)
  return plain.length > frameColumns ? `${plain.slice(0, frameColumns - 3)}...` : plain
}

const readable: Record<string, string> = { '…': '...', '×': 'x', '’': "'", '—': '-', '–': '-', '·': '-' }

/** Characters of one column each that the console's own font has; a control character of a hostile string is none. */
export function plainText(text: string): string {
  return text.replace(/[^\x20-\x7e\u00a1-\u00ac\u00ae-\u00ff]|×|·/gu, (character) => readable[character] ?? '?')
}

/** Lines of at most `width` characters, broken at spaces where there are any. */
export function wrapText(text: string, width = frameColumns - 2): string[] {
  const lines: string[] = []
  let rest = plainText(text).trim()
  while (rest.length > width) {
    const space = rest.lastIndexOf(' ', width)
    const end = space > width / 2 ? space : width
    lines.push(rest.slice(0, end))
    rest = rest.slice(end).trimStart()
  }
  return rest === '' ? lines : [...lines, rest]
}
