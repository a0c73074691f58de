import type { WorkStep } from '../core/agent-protocol.ts'
import type { TimelineEvent } from '../core/timeline.ts'
import { listEvents } from '../store/event-rows.ts'
import { findMachineById } from '../store/machine-rows.ts'
import type { StateDatabase } from '../store/state-database.ts'

/**
 * How a machine was last seen. `system`: a running system, ours in the ramdisk or its own, asked for its address. `disk`: its
 * boot script sent it to its own disk.
 */
export type SightKind = 'dhcp' | 'tftp' | 'script' | 'disk' | 'system' | 'agent'

export type Sight = { kind: SightKind; at: number; words: string }

const kinds = ['dhcp', 'tftp', 'script', 'agent', 'step'] as const
/** Packets of a machine are noted in steps of ten seconds, so that one that stands in the timeline may look older. */
const noteResolutionMs = 12_000

/** What is known of the agent that works on something. */
type HeardWork = { heardAt?: number; step?: WorkStep }

/** Of the machine of this work; undefined where it never was. */
export async function findLastSight(
  db: StateDatabase,
  work: HeardWork & { machineId: string },
): Promise<Sight | undefined> {
  const [event] = await listEvents(db, { machineId: work.machineId, kinds, limit: 1 })
  const machine = await findMachineById(db, work.machineId)
  return newestSight(work, event, machine?.lastSeenAt)
}

/** By the newest event that is of the machine's own doing, the agent's last report, and the last packet that was noted. */
export function newestSight(
  { heardAt, step }: HeardWork,
  event: TimelineEvent | undefined,
  lastSeenAt: number | undefined,
): Sight | undefined {
  const sights: Sight[] = []
  if (heardAt !== undefined) sights.push({ kind: 'agent', at: heardAt, words: step ?? 'before its first step' })
  if (event) sights.push({ kind: kindOf(event), at: event.at, words: event.message })
  const newest = sights.sort((a, b) => b.at - a.at)[0]
  if (lastSeenAt === undefined || (newest && lastSeenAt <= newest.at + noteResolutionMs)) return newest
  return { kind: 'system', at: lastSeenAt, words: 'a running system asked for its address' }
}

function kindOf({ kind, data }: TimelineEvent): SightKind {
  // What turned out about a step afterwards is told when the machine came for its disk.
  if ((kind === 'script' && data?.script === 'local') || (kind === 'step' && data?.state === undefined)) return 'disk'
  return kind === 'dhcp' || kind === 'tftp' || kind === 'script' ? kind : 'agent'
}

const ways: Record<SightKind, string> = {
  dhcp: 'by DHCP',
  tftp: 'by TFTP',
  script: 'by its boot script',
  disk: 'by its boot script',
  system: 'by DHCP',
  agent: 'by its agent',
}

/** `last seen 16 min before, at 2026-11-28 21:03:12 UTC, by TFTP (ipxe/undionly.kpxe: 70 kB in 0.2 s)`. */
export function describeSight(sight: Sight | undefined, now: number): string {
  if (sight === undefined) return 'never seen'
  const when = new Date(sight.at).toISOString().replace('T', ' ').slice(0, 19)
  return `last seen ${describeSpan(now - sight.at)} before, at ${when} UTC, ${ways[sight.kind]} (${sight.words})`
}

function describeSpan(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} hours` : `${Math.round(seconds / 86_400)} days`
}
