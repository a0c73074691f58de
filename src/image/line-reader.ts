import { DecodeError } from '../bytes/decode-error.ts'

/** Reads the fields of one JSON line that may hold anything; what is not as asked for throws DecodeError. */
export class LineReader {
  readonly #what: string
  readonly #fields: Record<string, unknown>
  readonly #offset: number

  /** `offset` is where the line starts, for the error. */
  constructor(what: string, text: string, offset: number) {
    this.#what = what
    this.#offset = offset
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      throw this.error('the line is not JSON')
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw this.error('the line is no object')
    this.#fields = value as Record<string, unknown>
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#fields, key)
  }

  text(key: string): string {
    const value = this.#fields[key]
    if (typeof value !== 'string') throw this.error(`"${key}" is not a text`)
    return value
  }

  /** `otherwise` stands for a field that is left out. */
  integer(key: string, minimum: number, maximum: number, otherwise?: number): number {
    const value = this.has(key) ? this.#fields[key] : otherwise
    return this.#checkInteger(`"${key}"`, value, minimum, maximum)
  }

  /** A list of pairs of whole numbers; empty where it is left out. */
  pairs(key: string): [number, number][] {
    return this.list(key).map((value, at) => {
      if (!Array.isArray(value) || value.length !== 2) throw this.error(`"${key}"[${at}] is not a pair`)
      return [
        this.#checkInteger(`"${key}"[${at}][0]`, value[0], 0, Number.MAX_SAFE_INTEGER),
        this.#checkInteger(`"${key}"[${at}][1]`, value[1], 0, Number.MAX_SAFE_INTEGER),
      ]
    })
  }

  list(key: string): unknown[] {
    const value = this.#fields[key] ?? []
    if (!Array.isArray(value)) throw this.error(`"${key}" is not a list`)
    return value
  }

  error(reason: string): DecodeError {
    return new DecodeError(this.#what, reason, this.#offset)
  }

  #checkInteger(name: string, value: unknown, minimum: number, maximum: number): number {
    if (!Number.isSafeInteger(value) || (value as number) < minimum || (value as number) > maximum) {
      throw this.error(`${name} is not a whole number from ${minimum} to ${maximum}`)
    }
    return value as number
  }
}

/** The lines of a buffer, without their ends, each with the offset of its first byte. Throws DecodeError on a cut end. */
export function* readLines(what: string, bytes: Buffer): Generator<{ text: string; offset: number }> {
  for (let offset = 0; offset < bytes.length; ) {
    const end = bytes.indexOf(10, offset)
    if (end < 0) throw new DecodeError(what, 'the last line has no end', offset)
    yield { text: bytes.toString('utf8', offset, end), offset }
    offset = end + 1
  }
}
