import { dirname, join, resolve } from 'node:path'
import type { ImportContext, NotTaken, Place } from './imported.ts'

/** One line of dnsmasq.conf: `name=value`, or a name alone. */
export type Directive = Place & { name: string; value: string; text: string }

/** How many files conf-file and conf-dir may lead to. */
const maximumFiles = 1000

/**
 * All directives of a dnsmasq.conf, those of the files it names in their place; a file is read once, as dnsmasq does.
 * Throws what the file system throws.
 */
export function readDirectives(
  path: string,
  context: ImportContext,
  notTaken: NotTaken[],
  seen = new Set([path]),
): Directive[] {
  return parseLines(path, context.read(path)).flatMap((directive) => {
    const { name, value } = directive
    if (name !== 'conf-file' && name !== 'conf-dir') return [directive]
    const refuse = (reason: string) => {
      notTaken.push({ file: path, line: directive.line, text: directive.text, reason })
      return []
    }
    try {
      const files = name === 'conf-file' ? [resolve(dirname(path), value)] : filesOf(value, dirname(path), context)
      return files.flatMap((file) => {
        if (seen.has(file)) return refuse(`${file} was read already`)
        if (seen.size === maximumFiles) return refuse(`it leads to more than ${maximumFiles} files`)
        return readDirectives(file, context, notTaken, seen.add(file))
      })
    } catch (error) {
      return refuse((error as Error).message)
    }
  })
}

function parseLines(file: string, text: string): Directive[] {
  return text.split('\n').flatMap((raw, index) => {
    const line = withoutComment(raw).trim()
    if (line === '') return []
    const [, name = line, value = ''] = /^([^=\s]+)\s*=\s*(.*)$/s.exec(line) ?? []
    return [{ file, line: index + 1, name: name.replace(/^--/, ''), value: value.trim(), text: line }]
  })
}

/** A comment begins with a `#` at the line's beginning or after a space, outside quotes (dnsmasq, src/option.c). */
function withoutComment(line: string): string {
  let isQuoted = false
  for (let at = 0; at < line.length; at++) {
    if (line[at] === '"') isQuoted = !isQuoted
    else if (line[at] === '#' && !isQuoted && (at === 0 || /\s/.test(line[at - 1]!))) return line.slice(0, at)
  }
  return line
}

/** `DIR[,.suffix-left-out…]` or `DIR,*.suffix-taken`. */
function filesOf(value: string, from: string, { list }: ImportContext): string[] {
  const [directory = '', ...patterns] = value.split(',').map((part) => part.trim())
  const place = resolve(from, directory)
  const taken = patterns.filter((pattern) => pattern.startsWith('*')).map((pattern) => pattern.slice(1))
  const leftOut = patterns.filter((pattern) => !pattern.startsWith('*'))
  return list(place)
    .filter((name) => !/^[.#]|~$/.test(name))
    .filter((name) => taken.length === 0 || taken.some((suffix) => name.endsWith(suffix)))
    .filter((name) => !leftOut.some((suffix) => name.endsWith(suffix)))
    .map((name) => join(place, name))
}

/** Comma-separated parts; quoted ones may hold commas and lose their quotes. */
export function splitParts(value: string): string[] {
  const parts: string[] = []
  let part = ''
  let isQuoted = false
  for (const character of value) {
    if (character === '"') isQuoted = !isQuoted
    else if (character === ',' && !isQuoted) {
      parts.push(part.trim())
      part = ''
    } else part += character
  }
  return [...parts, part.trim()]
}

/** `tag:a`, `tag:!b`, `set:c` and old `net:d` at the front of the parts, and what comes after. */
export function takeTags(parts: readonly string[]): { tags: string[]; sets: string[]; rest: string[] } {
  const tags: string[] = []
  const sets: string[] = []
  const rest = parts.filter((part) => {
    const [, kind, tag] = /^(tag|net|set):(.+)$/.exec(part) ?? []
    if (tag === undefined) return true
    ;(kind === 'set' ? sets : tags).push(tag.replace(/^#/, '!'))
    return false
  })
  return { tags, sets, rest }
}

const secondsOf: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }

/** `12h`, `45m`, `3600`, `infinite`; undefined for anything else. */
export function parseLeaseSeconds(text: string): number | undefined {
  if (text === 'infinite') return 0xfffffffe
  const [, count, unit = 's'] = /^(\d+)([smhdw]?)$/.exec(text) ?? []
  return count === undefined ? undefined : Math.max(Number(count) * secondsOf[unit || 's']!, 120)
}
