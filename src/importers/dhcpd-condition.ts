import type { ClassEntry } from '../dhcp/site-file.ts'
import type { DhcpdOptions } from './dhcpd-option.ts'
import { sentence, type Word } from './dhcpd-statement.ts'

type Match = ClassEntry['match']

/**
 * What an `if`, or a class's `match if`, asks of a client, as conditions of which any may hold. A sentence for what a
 * class here cannot ask.
 */
export function matchesOf(words: readonly Word[], options: DhcpdOptions): Match[] | string {
  const cannot = `"${sentence(words)}" is nothing a class can ask here (options 60, 77 and 93 are)`
  const alternatives = splitBy(words, 'or').map((part) => {
    const matches = splitBy(part, 'and').map((condition) => matchOf(condition, options))
    if (matches.some((match) => match === undefined)) return undefined
    const keys = matches.flatMap((match) => Object.keys(match!))
    return new Set(keys).size === keys.length ? (Object.assign({}, ...matches) as Match) : undefined
  })
  if (alternatives.some((match) => match === undefined)) return cannot
  return joinArchitectures((alternatives as Match[]).filter((match) => Object.keys(match).length > 0)) ?? cannot
}

/** Undefined for what cannot be asked; empty for what adds nothing, such as that an option is there before its value. */
function matchOf(words: readonly Word[], options: DhcpdOptions): Match | undefined {
  const bare = unwrapped(words)
  const [first, second, third] = bare.map(({ text }) => text)
  if (first === 'exists') return first && second === 'user-class' && third === undefined ? {} : undefined
  const equals = bare.findIndex(({ text, isQuoted }) => text === '=' && !isQuoted)
  if (equals < 0) return undefined
  const left = bare.slice(0, equals)
  const right = bare.slice(equals + 1)
  if (right.length !== 1) return undefined
  return compared(left, right[0]!, options)
}

function compared(left: readonly Word[], value: Word, options: DhcpdOptions): Match | undefined {
  const words = left.map(({ text }) => text).filter((text) => !['(', ')', ','].includes(text))
  const isBeginning = words[0] === 'substring'
  const [option, name = '', offset, length] = isBeginning ? words.slice(1) : words
  if (option !== 'option') return undefined
  const code = options.codeOf(name)
  if (code === 93 && !isBeginning) {
    const number = architectureOf(value.text)
    return number === undefined ? undefined : { architecture: [number] }
  }
  if (!value.isQuoted || (isBeginning && offset !== '0')) return undefined
  if (isBeginning && Number(length) < value.text.length) return undefined
  if (code === 60) return { vendorClass: isBeginning ? `${value.text}*` : value.text }
  return code === 77 ? { userClass: value.text } : undefined
}

/** `00:07`. A lone `7` is one byte to dhcpd, which no client sends, so that such a condition never holds there. */
function architectureOf(text: string): number | undefined {
  const [, high, low] = /^([0-9a-f]{1,2}):([0-9a-f]{1,2})$/i.exec(text) ?? []
  return high === undefined ? undefined : Number.parseInt(high, 16) * 256 + Number.parseInt(low!, 16)
}

function joinArchitectures(matches: readonly Match[]): Match[] | undefined {
  if (matches.length === 0) return undefined
  const architectures = matches.flatMap((match) =>
    Object.keys(match).join() === 'architecture' ? match.architecture! : [],
  )
  const others = matches.filter((match) => Object.keys(match).join() !== 'architecture')
  return architectures.length > 0 ? [{ architecture: architectures }, ...others] : others
}

/** Splits outside parentheses. */
function splitBy(words: readonly Word[], separator: 'and' | 'or'): Word[][] {
  const parts: Word[][] = [[]]
  let depth = 0
  for (const word of unwrapped(words)) {
    if (word.text === '(' && !word.isQuoted) depth++
    if (word.text === ')' && !word.isQuoted) depth--
    if (depth === 0 && word.text === separator && !word.isQuoted) parts.push([])
    else parts.at(-1)!.push(word)
  }
  return parts
}

/** Without the parentheses that stand round the whole. */
function unwrapped(words: readonly Word[]): readonly Word[] {
  if (words[0]?.text !== '(' || words.at(-1)?.text !== ')') return words
  let depth = 0
  for (const [index, { text }] of words.entries()) {
    depth += Number(text === '(') - Number(text === ')')
    if (depth === 0 && index < words.length - 1) return words
  }
  return unwrapped(words.slice(1, -1))
}
