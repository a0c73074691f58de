import type { TimelineEvent, TimelineKind } from '../core/timeline.ts'

/** Where events are told to another program. */
export type Webhook = {
  url: string
  /** All of them where not given. */
  kinds?: readonly TimelineKind[]
  /** The key of its signatures. */
  secret?: string
}

/** An event as a receiver gets it. */
export type ToldEvent = TimelineEvent & {
  /** Its machine's name. */
  machine?: string
}

/** The body of a request; more may be added to it. */
export type WebhookBody = { events: readonly ToldEvent[] }

export type WebhookStatus = {
  url: string
  /** The last event that the receiver took. */
  deliveredThrough: number
  /** How many wait for it, counted up to 10,001. */
  waiting: number
  /** How long the first of them has waited. */
  lagSeconds: number
  /** Absent while it takes what it is sent. */
  failing?: { since: string; attempts: number; reason: string }
}

/** `https://x/: 12 events wait, for 35 s; failing since …`. */
export function describeWebhook({ url, waiting, lagSeconds, failing }: WebhookStatus): string {
  const lag =
    waiting === 0 ? 'up to date' : `${waiting > 10_000 ? 'more than 10000' : waiting} wait, for ${lagSeconds} s`
  const trouble = failing ? `; failing since ${failing.since}, ${failing.attempts} attempts: ${failing.reason}` : ''
  return `${url}: ${lag}${trouble}`
}

/** The secret of a receiver is the first line of its file, of which this is the text. Throws for one that is empty. */
export function secretIn(text: string, file: string): string {
  const secret = text.split('\n', 1)[0]!.trim()
  if (secret === '') throw new Error(`the first line of ${file} is empty; it is to be the secret`)
  return secret
}

/** For people: a URL may carry a password, which is the receiver's. */
export function withoutPassword(text: string): string {
  const url = new URL(text)
  if (url.password !== '') url.password = '***'
  return url.href
}
