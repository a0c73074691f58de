import { Command, InvalidArgumentError, Option } from 'commander'
import type { Machine } from '../core/machine.ts'
import { type TimelineEvent, timelineKinds } from '../core/timeline.ts'
import { openClient } from './client.ts'
import { dataOption, jsonOption, socketPathOf } from './data-directory.ts'
import { formatPastEvent } from './timeline-text.ts'

type EventsOptions = { data: string; json?: boolean; since?: number; kind?: string[]; limit: number }

const pageEvents = 1000

export function eventsCommand(): Command {
  return new Command('events')
    .description("what happened, from the timeline; 'watch' shows what happens")
    .argument('[machine]', 'only this machine')
    .option('--since <when>', '90s, 30m, 2h, 7d ago, or a time such as 2026-03-01T18:00', parseSince)
    .addOption(new Option('--kind <kind...>', 'only of these kinds').choices([...timelineKinds]))
    .option('--limit <count>', 'the newest so many, where no --since is given', parseLimit, 100)
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(showEvents)
}

async function showEvents(machine: string | undefined, options: EventsOptions): Promise<void> {
  const client = openClient({ socketPath: socketPathOf(options.data) })
  const { machines } = await client.request<{ machines: Machine[] }>('GET', '/api/v1/machines/')
  const names = new Map(machines.map(({ id, name }) => [id, name]))
  const { since, kind, limit } = options
  const chosen = { ...(machine !== undefined && { machine }), ...(kind && { kind: kind.join(',') }) }
  let range: Record<string, number> = since === undefined ? { limit } : { since, limit: pageEvents }
  for (;;) {
    const search = new URLSearchParams({ ...chosen, ...mapValues(range) })
    const { events } = await client.request<{ events: TimelineEvent[] }>('GET', `/api/v1/events/?${search}`)
    for (const event of events) {
      const line = options.json ? JSON.stringify(event) : formatPastEvent(event, names.get(event.machineId ?? '') ?? '')
      process.stdout.write(`${line}\n`)
    }
    if (since === undefined || events.length < pageEvents) return
    range = { ...range, after: events.at(-1)!.sequence }
  }
}

function mapValues(range: Record<string, number>): Record<string, string> {
  return Object.fromEntries(Object.entries(range).map(([name, value]) => [name, String(value)]))
}

const secondsOf: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** To milliseconds since the epoch. */
export function parseSince(text: string, _previous?: unknown, now = Date.now()): number {
  const ago = /^(\d{1,9})([smhd])$/.exec(text)
  const time = ago ? now - Number(ago[1]) * secondsOf[ago[2]!]! * 1000 : Date.parse(text)
  if (!Number.isNaN(time)) return Math.max(0, time)
  throw new InvalidArgumentError('give 90s, 30m, 2h or 7d, or a time such as 2026-03-01T18:00')
}

function parseLimit(text: string): number {
  const limit = Number(text)
  if (Number.isInteger(limit) && limit >= 1 && limit <= 10_000) return limit
  throw new InvalidArgumentError('give a number from 1 to 10000')
}
