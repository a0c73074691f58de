import { DecodeError } from '../bytes/decode-error.ts'
import type { Inventory } from './inventory.ts'
import { machineNamePattern } from './machine.ts'

/** What a name is made of. */
export type NameFacts = { smbios: Inventory['smbios']; mac: string }

const longestName = 63
const placeholder = /\{([^{}]*)\}/g
const numberForm = /^number(?::([1-9]))?$/
const words = ['serial', 'mac', 'product', 'manufacturer'] as const
type Word = (typeof words)[number]
const validName = new RegExp(machineNamePattern)

/** Throws DecodeError for a pattern that makes no name: `rack1-{number:3}`, `{product}-{serial}`. */
export function checkNamePattern(pattern: string): string {
  for (const [, name = ''] of pattern.matchAll(placeholder)) {
    if (!numberForm.test(name) && !words.some((word) => word === name)) {
      throw new DecodeError('name pattern', `there is no {${name}}; use {number:3}, {${words.join('}, {')}}`)
    }
  }
  if ((pattern.match(/\{number/g) ?? []).length > 1)
    throw new DecodeError('name pattern', 'it has more than one {number}')
  const plain = pattern.replace(placeholder, '0')
  if (/[{}]/.test(plain)) throw new DecodeError('name pattern', 'a brace stands alone')
  if (!validName.test(plain)) {
    throw new DecodeError('name pattern', 'beside what is in braces it has small letters, digits and - between them')
  }
  return pattern
}

/**
 * The first name of the pattern that nobody has: with the lowest free number, or numbered behind where the pattern has none and
 * another machine has the name. Undefined where the machine does not say what the pattern needs.
 */
export function makeName(pattern: string, { smbios, mac }: NameFacts, isTaken: (name: string) => boolean) {
  const said: Record<Word, string | undefined> = { ...smbiosWords(smbios), mac: mac.replaceAll(':', '') }
  const isKnown = words.every((word) => !pattern.includes(`{${word}}`) || hostNameOf(said[word] ?? '') !== '')
  if (!isKnown) return undefined
  const isNumbered = /\{number/.test(pattern)
  // One more than the names that can be taken is always free.
  for (let number = isNumbered ? 1 : 0; ; number++) {
    const name = nameOf(pattern, said, number)
    if (name !== '' && !isTaken(name)) return name
  }
}

/** A name that somebody else chose (the DNS, a list), as it can be a machine's; numbered behind where it is taken. */
export function freeName(wanted: string, isTaken: (name: string) => boolean): string | undefined {
  const base = hostNameOf(wanted)
  if (base === '') return undefined
  for (let number = 0; ; number++) {
    const name = numbered(base, number)
    if (!isTaken(name)) return name
  }
}

function smbiosWords({ serial, product, manufacturer }: NameFacts['smbios']) {
  return { serial, product, manufacturer }
}

function nameOf(pattern: string, said: Record<Word, string | undefined>, number: number): string {
  const digits = (width = '1') => String(number).padStart(Number(width), '0')
  const text = pattern.replace(placeholder, (_all, name: string) => {
    const asNumber = numberForm.exec(name)
    return asNumber ? digits(asNumber[1]) : hostNameOf(said[name as Word] ?? '')
  })
  return /\{number/.test(pattern) ? hostNameOf(text) : numbered(hostNameOf(text), number)
}

/** From the second machine on: `web`, `web-2`, `web-3`. */
function numbered(base: string, number: number): string {
  if (number === 0 || base === '') return base
  const end = `-${number + 1}`
  return `${base.slice(0, longestName - end.length).replace(/-+$/, '')}${end}`
}

/** RFC 1123: letters, digits and hyphens between them, at most 63, small; everything else becomes one hyphen. */
export function hostNameOf(text: string): string {
  const label = text.toLowerCase().replace(/[^a-z0-9]+/g, '-')
  return label.replace(/^-+/, '').slice(0, longestName).replace(/-+$/, '')
}
