import type { ImportContext, Place } from './imported.ts'

/** A word of dhcpd.conf; a quoted one is text. */
export type Word = { text: string; isQuoted: boolean }

/** `words… ;` or `words… { block }`. */
export type Statement = Place & { words: readonly Word[]; block?: readonly Statement[] }

/** What is no dhcpd.conf at all: a quote or a brace that has no other end. */
export class StatementInvalid extends Error {
  override readonly name = 'StatementInvalid'

  constructor({ file, line }: Place, reason: string) {
    super(`${file}:${line}: ${reason}`)
  }
}

type Token = Word & { line: number }

const maximumDepth = 32

/** The statements of a file, those of the files it includes in their place. Throws StatementInvalid. */
export function parseStatements(file: string, context: ImportContext, depth = 0): Statement[] {
  const tokens = tokenize(file, context.read(file))
  let at = 0

  const block = (opened: Place | undefined, nesting: number): Statement[] => {
    const statements: Statement[] = []
    let words: Token[] = []
    for (;;) {
      const token = tokens[at++]
      const place = { file, line: words[0]?.line ?? token?.line ?? 1 }
      if (!token || (token.text === '}' && !token.isQuoted)) {
        if (words.length > 0) throw new StatementInvalid(place, `"${sentence(words)}" has no ; at its end`)
        if (!token && opened) throw new StatementInvalid(opened, 'this { has no }')
        if (token && !opened) throw new StatementInvalid({ file, line: token.line }, 'this } has no {')
        return statements
      }
      if (token.isQuoted || (token.text !== ';' && token.text !== '{')) {
        words.push(token)
        continue
      }
      if (token.text === '{') {
        if (nesting === maximumDepth)
          throw new StatementInvalid(place, `blocks are nested more than ${maximumDepth} deep`)
        statements.push({ ...place, words, block: block({ file, line: token.line }, nesting + 1) })
      } else if (words[0]?.text === 'include' && words[1] && depth < maximumDepth) {
        statements.push(...parseStatements(words[1].text, context, depth + 1))
      } else if (words.length > 0) statements.push({ ...place, words })
      words = []
    }
  }
  return block(undefined, 0)
}

/** As it stands in the file, but for its spaces. */
export function sentence(words: readonly Word[]): string {
  return words
    .map(({ text, isQuoted }) => (isQuoted ? `"${text}"` : text))
    .join(' ')
    .replaceAll(/ ?([(),]) ?/g, (_, mark) => (mark === ',' ? ', ' : mark))
}

/** Words, texts, and each of `{ } ; , ( ) =` by itself (dhcpd.conf(5)). */
const tokenPattern = /(#[^\n]*)|"((?:[^"\\]|\\.)*)"|([{};,()=])|([^\s{};,()="#]+)|(\n)|(\s+)|(")/gs

function tokenize(file: string, text: string): Token[] {
  const tokens: Token[] = []
  let line = 1
  for (const [whole, , quoted, mark, word, , , stray] of text.matchAll(tokenPattern)) {
    if (stray !== undefined) throw new StatementInvalid({ file, line }, 'this " has no other')
    if (quoted !== undefined) tokens.push({ text: unescaped(quoted), isQuoted: true, line })
    else if (mark !== undefined || word !== undefined) tokens.push({ text: whole, isQuoted: false, line })
    line += whole.split('\n').length - 1
  }
  return tokens
}

/** `\"`, `\\` and three octal digits, as dhcpd's own lexer reads them. */
function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3}|.)/gs, (_, escaped: string) =>
    escaped.length === 3 ? String.fromCharCode(Number.parseInt(escaped, 8)) : escaped,
  )
}
