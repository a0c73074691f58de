import { DecodeError } from '../bytes/decode-error.ts'

/** What an operator says of a machine: `rack` → `3`. */
export type Labels = Readonly<Record<string, string>>

/** Small words that need no quoting anywhere: not in a shell, a selector or a file name. */
export const labelKeyPattern = '^[a-z0-9]([a-z0-9._/-]{0,61}[a-z0-9])?$'
export const labelValuePattern = '^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$'
export const mostLabels = 64

const key = new RegExp(labelKeyPattern)
const value = new RegExp(labelValuePattern)

/** `KEY=VALUE`; a value may be empty. Throws DecodeError. */
export function parseLabel(text: string): [key: string, value: string] {
  const at = text.indexOf('=')
  const [name, said] = at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
  if (at === -1) throw new DecodeError('label', `"${text}" is not KEY=VALUE, such as rack=3`)
  if (!key.test(name)) {
    throw new DecodeError(
      'label',
      `the key "${name}" has other than small letters, digits and . _ / - between them, or more than 63`,
    )
  }
  if (!value.test(said)) {
    throw new DecodeError(
      'label',
      `the value "${said}" has other than letters, digits and . _ - between them, or more than 63`,
    )
  }
  return [name, said]
}

/** Of several that say one key the later counts. Throws DecodeError. */
export function parseLabels(texts: readonly string[]): Labels {
  return Object.fromEntries(texts.map(parseLabel))
}

/** What is there, with these set and those taken away. Throws DecodeError for more than a machine may have. */
export function changeLabels(labels: Labels, set: Labels = {}, unset: readonly string[] = []): Labels {
  const changed = Object.entries({ ...labels, ...set }).filter(([name]) => !unset.includes(name) || name in set)
  if (changed.length > mostLabels) throw new DecodeError('labels', `a machine has at most ${mostLabels}`)
  return Object.fromEntries(changed.sort(([one], [two]) => (one < two ? -1 : 1)))
}

/** `rack=3 role=db`, or nothing. */
export function formatLabels(labels: Labels = {}): string {
  return Object.entries(labels)
    .map(([name, said]) => `${name}=${said}`)
    .join(' ')
}
