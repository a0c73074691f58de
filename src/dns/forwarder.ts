import { randomInt } from 'node:crypto'
import { DecodeError } from '../bytes/decode-error.ts'
import type { Upstream } from '../core/name-service.ts'
import { AnswerCache, cacheKey } from './answer-cache.ts'
import { askUpstream, UpstreamSilent } from './ask-upstream.ts'
import { type ForeignAnswer, readForeignAnswer } from './foreign-answer.ts'
import { type Query, rcode } from './query.ts'
import { encodeQuestion } from './reply.ts'

export type ForwarderOptions = {
  upstreams: readonly Upstream[]
  /** Of each server that did not answer. */
  onSilent: (error: UpstreamSilent) => void
}

const mostKept = 10_000
/** Each has a socket; who asks more is told to come again. */
const mostAsked = 500
const timeoutMs = 1000
/** A datagram may be lost: the servers are asked again before the asker gives up, which is after 5 s. */
const rounds = 2
const mostAttempts = 4
const silentMs = 30_000

/** Asks the upstream servers what is not ours. Who asks what is being asked already waits for the same answer. */
export class Forwarder {
  readonly #options: ForwarderOptions
  readonly #cache = new AnswerCache(mostKept)
  readonly #asked = new Map<string, Promise<ForeignAnswer | undefined>>()
  /** Until when a server is asked after the others. */
  readonly #silentUntil = new Map<Upstream, number>()

  constructor(options: ForwarderOptions) {
    this.#options = options
  }

  /** Undefined where no server answers. Never rejects. */
  async find(query: Query): Promise<{ answer: ForeignAnswer; ageSeconds: number } | undefined> {
    const key = cacheKey(query)
    const known = this.#cache.get(key, performance.now())
    if (known) return known
    const answer = await (this.#asked.get(key) ?? this.#begin(key, query))
    return answer && { answer, ageSeconds: 0 }
  }

  #begin(key: string, query: Query): Promise<ForeignAnswer | undefined> {
    if (this.#asked.size >= mostAsked) return Promise.resolve(undefined)
    const asked = this.#askAll(query).then((answer) => {
      this.#asked.delete(key)
      if (answer) this.#cache.put(key, answer, performance.now())
      return answer
    })
    this.#asked.set(key, asked)
    return asked
  }

  /** The last word of a server that cannot or will not is passed on when no other knows better. */
  async #askAll(query: Query): Promise<ForeignAnswer | undefined> {
    let last: ForeignAnswer | undefined
    for (const upstream of this.#attempts()) {
      const answer = await this.#ask(upstream, query)
      if (answer?.rcode === rcode.noError || answer?.rcode === rcode.noSuchName) return answer
      last = answer ?? last
    }
    return last
  }

  #attempts(): Upstream[] {
    const now = performance.now()
    const isSilent = (upstream: Upstream) => Number((this.#silentUntil.get(upstream) ?? 0) > now)
    const order = this.#options.upstreams.toSorted((a, b) => isSilent(a) - isSilent(b))
    return Array.from({ length: rounds }, () => order)
      .flat()
      .slice(0, Math.max(mostAttempts, order.length))
  }

  async #ask(upstream: Upstream, query: Query): Promise<ForeignAnswer | undefined> {
    try {
      const answer = readForeignAnswer(
        await askUpstream(upstream, encodeQuestion(query, randomInt(0x10000)), timeoutMs),
      )
      this.#silentUntil.delete(upstream)
      return answer
    } catch (error) {
      const isExpected = error instanceof UpstreamSilent || error instanceof DecodeError
      if (!isExpected) throw error
      this.#silentUntil.set(upstream, performance.now() + silentMs)
      const silence = error instanceof UpstreamSilent ? error : new UpstreamSilent(upstream, error.message)
      this.#options.onSilent(silence)
      return undefined
    }
  }
}
