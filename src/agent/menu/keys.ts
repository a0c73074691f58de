/** What a person pressed; `text` is one printable character. */
export type Key =
  | { kind: 'up' | 'down' | 'page-up' | 'page-down' | 'home' | 'end' | 'enter' | 'back' | 'erase' | 'redraw' }
  | { kind: 'text'; text: string }

/** Longer than any sequence of a keyboard: what begins like one and goes on is noise on the line. */
const longestSequence = 12

/** What follows ESC [ or ESC O, on the Linux console, VT100, xterm and their kind. */
const sequences: Record<string, Key['kind'] | undefined> = {
  A: 'up',
  B: 'down',
  D: 'back',
  H: 'home',
  F: 'end',
  '1~': 'home',
  '4~': 'end',
  '5~': 'page-up',
  '6~': 'page-down',
  '7~': 'home',
  '8~': 'end',
  M: 'enter',
}

const controls: Record<string, Key['kind'] | undefined> = {
  '\r': 'enter',
  '\n': 'enter',
  '\b': 'erase',
  '\x7f': 'erase',
  '\f': 'redraw',
  '\x03': 'back',
  '\x10': 'up',
  '\x0e': 'down',
}

/**
 * Keys out of what a terminal sends. A sequence that is cut by the end of a piece is finished by the next; an ESC that stays
 * alone is the key itself, which only time can tell: then the owner calls `settle`.
 */
export class KeyDecoder {
  #pending = ''

  push(piece: string): Key[] {
    const keys: Key[] = []
    let rest = this.#pending + piece
    this.#pending = ''
    while (rest !== '') {
      const { key, length } = readKey(rest)
      if (length === 0) {
        this.#pending = rest
        break
      }
      if (key) keys.push(key)
      rest = rest.slice(length)
    }
    return keys
  }

  /** Whether something waits for its end. */
  get isUnsettled(): boolean {
    return this.#pending !== ''
  }

  /** Nothing came after it for a while. */
  settle(): Key[] {
    const isEscape = this.#pending === '\x1b'
    this.#pending = ''
    return isEscape ? [{ kind: 'back' }] : []
  }
}

/** The first key of a text and what it takes of it; length 0 where its end has not come yet. */
function readKey(text: string): { key?: Key; length: number } {
  const [first = ''] = text
  if (first === '\x1b') return readSequence(text)
  const kind = controls[first]
  // A line end of two characters is one key.
  const length = first === '\r' && text[1] === '\n' ? 2 : first.length
  if (kind !== undefined) return { key: { kind } as Key, length }
  return /^[\p{Cc}\p{Cf}\p{Cs}\ufffd]$/u.test(first) ? { length } : { key: { kind: 'text', text: first }, length }
}

function readSequence(text: string): { key?: Key; length: number } {
  if (text.length === 1) return { length: 0 }
  // ESC and something else: the key, and then that.
  if (!/^\x1b[[O]/.test(text)) return { key: { kind: 'back' }, length: 1 }
  // The Linux console's F1 to F5 are ESC [ [ and a letter.
  const match = /^\x1b(?:\[\[[A-E]|[[O]([0-9;]*[A-Za-z~]))/.exec(text)
  if (!match) {
    const begun = /^\x1b[[O][0-9;[]*/.exec(text)![0]
    return begun.length === text.length && begun.length < longestSequence ? { length: 0 } : { length: begun.length }
  }
  const kind = sequences[match[1] ?? '']
  return { ...(kind && { key: { kind } as Key }), length: match[0].length }
}
