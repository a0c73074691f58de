import { DecodeError } from '../bytes/decode-error.ts'

/** One line of a table, by the names in its first line; empty fields are left out. */
export type CsvRow = { line: number; fields: Readonly<Record<string, string>> }

/**
 * RFC 4180, with `;` between fields where the first line has that (spreadsheets of many countries write so). Lines that are empty or
 * begin with `#` are left out. Throws DecodeError, which names the line.
 */
export function parseCsv(text: string, columns: readonly string[]): CsvRow[] {
  const lines = splitLines(text.replace(/^\ufeff/, ''))
  const [head, ...rest] = lines
  if (!head) throw new DecodeError('CSV', `it is empty; its first line names columns: ${columns.join(',')}`)
  const separator = head.text.includes(';') ? ';' : ','
  const names = splitFields(head, separator).map((name) => name.trim().toLowerCase())
  const unknown = names.find((name) => !columns.includes(name))
  if (unknown !== undefined) {
    throw new DecodeError('CSV', `line ${head.line}: there is no column "${unknown}"; use ${columns.join(', ')}`)
  }
  return rest.map((row) => {
    const values = splitFields(row, separator)
    if (values.length > names.length) {
      throw new DecodeError('CSV', `line ${row.line}: it has ${values.length} fields, the first line ${names.length}`)
    }
    const fields = names.map((name, index) => [name, values[index]?.trim() ?? ''] as const)
    return { line: row.line, fields: Object.fromEntries(fields.filter(([, value]) => value !== '')) }
  })
}

type Line = { line: number; text: string }

/** A field in quotes may not go over lines: nothing that is listed here has one. */
function splitLines(text: string): Line[] {
  return text
    .split(/\r?\n/)
    .map((line, index) => ({ line: index + 1, text: line }))
    .filter(({ text: line }) => line.trim() !== '' && !line.startsWith('#'))
}

function splitFields({ line, text }: Line, separator: string): string[] {
  const fields: string[] = []
  let field = ''
  let isQuoted = false
  for (let at = 0; at < text.length; at++) {
    const letter = text[at]!
    if (letter === '"' && isQuoted && text[at + 1] === '"') field += text[++at]
    else if (letter === '"') isQuoted = !isQuoted
    else if (letter === separator && !isQuoted) {
      fields.push(field)
      field = ''
    } else field += letter
  }
  if (isQuoted) throw new DecodeError('CSV', `line ${line}: a quote is not closed`)
  return [...fields, field]
}
