import { sentence, type Word } from './dhcpd-statement.ts'
import { Unclear } from './old-server.ts'

/** What an expression may look at. Data is text of one character for each byte. */
export type ExpressionClient = {
  /** An option the client sends, by dhcpd's name for it. Throws Unclear for a name that is not known. */
  option(name: string): string | undefined
  /** Hardware type and address. */
  hardware: string
  isKnown: boolean
}

type Value = string | number | boolean | undefined

/** What a dhcp-eval(5) expression comes to; undefined where an option it needs is not there. Throws Unclear. */
export function evaluateExpression(words: readonly Word[], client: ExpressionClient): Value {
  const evaluation = new Evaluation(words, client)
  const value = evaluation.condition()
  evaluation.end()
  return value
}

class Evaluation {
  readonly #words: readonly Word[]
  readonly #client: ExpressionClient
  #at = 0

  constructor(words: readonly Word[], client: ExpressionClient) {
    this.#words = words
    this.#client = client
  }

  /** Both sides are read, whatever the first comes to; `and` binds more closely than `or`. */
  condition(): Value {
    let value = this.#conjunction()
    while (this.#take('or')) {
      const other = this.#conjunction()
      value = value === true || other === true
    }
    return value
  }

  end(): void {
    if (this.#at < this.#words.length) this.#refuse()
  }

  #conjunction(): Value {
    let value = this.#comparison()
    while (this.#take('and')) {
      const other = this.#comparison()
      value = value === true && other === true
    }
    return value
  }

  #comparison(): Value {
    if (this.#take('not')) return this.#comparison() !== true
    const left = this.#operand()
    const isNegated = this.#take('!')
    if (!this.#take('=')) return isNegated ? this.#refuse() : left
    const operand = this.#operand()
    // a lone number beside data is a byte in hexadecimal
    const right = typeof left === 'string' && typeof operand === 'number' ? bytesOf([String(operand)]) : operand
    return (left !== undefined && left === right) !== isNegated
  }

  #operand(): Value {
    const word = this.#words[this.#at++]
    if (!word) return this.#refuse()
    if (word.isQuoted) return word.text
    const operator = this.#operators[word.text]
    return operator ? operator() : literal(word.text, () => this.#refuse())
  }

  readonly #operators: Record<string, () => Value> = {
    '(': () => {
      const value = this.condition()
      if (!this.#take(')')) this.#refuse()
      return value
    },
    option: () => this.#client.option(this.#name()),
    exists: () => this.#client.option(this.#name()) !== undefined,
    known: () => this.#client.isKnown,
    hardware: () => this.#client.hardware,
    substring: () => {
      const [data, offset, length] = this.#arguments()
      return typeof data === 'string' ? data.slice(numberOf(offset), numberOf(offset) + numberOf(length)) : undefined
    },
    suffix: () => {
      const [data, length] = this.#arguments()
      return typeof data === 'string' ? data.slice(-numberOf(length)) : undefined
    },
    lcase: () => this.#textArgument()?.toLowerCase(),
    ucase: () => this.#textArgument()?.toUpperCase(),
    concat: () => {
      const parts = this.#arguments().map((part) => (typeof part === 'number' ? bytesOf([String(part)]) : part))
      return parts.some((part) => typeof part !== 'string') ? undefined : parts.join('')
    },
    'pick-first-value': () => this.#arguments().find((value) => value !== undefined),
  }

  #arguments(): Value[] {
    if (!this.#take('(')) this.#refuse()
    const values = [this.condition()]
    while (this.#take(',')) values.push(this.condition())
    if (!this.#take(')')) this.#refuse()
    return values
  }

  #textArgument(): string | undefined {
    const [value] = this.#arguments()
    return typeof value === 'string' ? value : undefined
  }

  #name(): string {
    return this.#words[this.#at++]?.text ?? this.#refuse()
  }

  #take(mark: string): boolean {
    const word = this.#words[this.#at]
    if (!word || word.isQuoted || word.text !== mark) return false
    this.#at++
    return true
  }

  #refuse(): never {
    throw new Unclear(`what "${sentence(this.#words)}" comes to is not known here`)
  }
}

/** A byte or bytes in hexadecimal where there are colons, else a number; as an argument it is a number too. */
function literal(text: string, refuse: () => never): Value {
  if (/^[0-9a-f]{1,2}(:[0-9a-f]{1,2})+$/i.test(text)) return bytesOf(text.split(':'))
  if (/^(true|false)$/.test(text)) return text === 'true'
  if (/^\d+$/.test(text)) return Number(text)
  return /^[0-9a-f]{1,2}$/i.test(text) ? bytesOf([text]) : refuse()
}

function bytesOf(hexadecimal: readonly string[]): string {
  return String.fromCharCode(...hexadecimal.map((byte) => Number.parseInt(byte, 16)))
}

function numberOf(value: Value): number {
  return typeof value === 'number' ? value : 0
}
