/*
 * Serial consoles speak terminal: firmware draws with cursor addressing, boot loaders and systemd with colours. For
 * matching and for logs only the words count, so sequences are dropped and a cursor jump becomes a line break.
 */

const startOfSequence = '\x1b'
const complete = /^\x1b(?:\[[0-?]*[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()*+#%][ -~]|[ !"$&',-Z\\^-~])/
/** An escape sequence longer than this is noise (a terminal never sees one); its first byte is dropped. */
const longestSequence = 256

/** Strips terminal sequences from a stream of text; a sequence cut by the end of a piece is finished by the next. */
export class TerminalText {
  #pending = ''

  /** Returns the words of this piece, with `\n` as the only line break. */
  push(piece: string): string {
    let rest = this.#pending + piece
    this.#pending = ''
    let words = ''
    for (;;) {
      const start = rest.indexOf(startOfSequence)
      if (start < 0) return words + plain(rest)
      words += plain(rest.slice(0, start))
      rest = rest.slice(start)
      const sequence = complete.exec(rest)
      if (sequence) {
        if (sequence[1] === 'H' || sequence[1] === 'f' || sequence[1] === 'J') words += '\n'
        rest = rest.slice(sequence[0].length)
      } else if (rest.length < longestSequence) {
        this.#pending = rest
        return words
      } else {
        rest = rest.slice(1)
      }
    }
  }
}

/** Carriage returns and other controls go; tab and line feed stay. */
function plain(text: string): string {
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f]/g, '')
}
