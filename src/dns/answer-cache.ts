import type { ForeignAnswer } from './foreign-answer.ts'
import type { Query } from './query.ts'

type Kept = { answer: ForeignAnswer; keptAt: number }

/** Longer answers are rare, and not worth the room of many. */
const longestBytes = 4096

/** Answers of upstream servers until they end; of too many those go that were asked for the longest ago. Times are in ms. */
export class AnswerCache {
  readonly #mostAnswers: number
  readonly #kept = new Map<string, Kept>()

  constructor(mostAnswers: number) {
    this.#mostAnswers = mostAnswers
  }

  get size(): number {
    return this.#kept.size
  }

  get(key: string, now: number): { answer: ForeignAnswer; ageSeconds: number } | undefined {
    const found = this.#kept.get(key)
    if (!found) return undefined
    this.#kept.delete(key)
    const ageSeconds = Math.floor((now - found.keptAt) / 1000)
    if (ageSeconds < 0 || ageSeconds >= found.answer.lifetimeSeconds) return undefined
    this.#kept.set(key, found)
    return { answer: found.answer, ageSeconds }
  }

  put(key: string, answer: ForeignAnswer, now: number): void {
    if (answer.lifetimeSeconds === 0 || answer.message.length > longestBytes) return
    this.#kept.delete(key)
    this.#kept.set(key, { answer, keptAt: now })
    if (this.#kept.size > this.#mostAnswers) this.#kept.delete(this.#kept.keys().next().value!)
  }
}

/** Same name in any case, type and class; what is signed or unchecked is another answer. */
export function cacheKey({ question, isCheckingDisabled, edns }: Query): string {
  const nameEnd = question.length - 4
  const name = question.toString('latin1', 0, nameEnd).toLowerCase()
  const flags = `${edns?.wantsSignatures ? 'd' : ''}${isCheckingDisabled ? 'c' : ''}`
  return `${question.toString('latin1', nameEnd)}${flags} ${name}`
}
