/** One thing that happened to a machine; the timeline is append-only. */
export type TimelineEvent = {
  /** Grows by one for every event of the server. */
  sequence: number
  /** Milliseconds since the epoch. */
  at: number
  machineId?: string
  deploymentId?: string
  errandId?: string
  kind: TimelineKind
  /** A sentence for people; strings that came from a machine are already made printable. */
  message: string
  /** The same in fields, for programs. */
  data?: Record<string, unknown>
}

export const timelineKinds = [
  'machine', // known, changed, seen for the first time
  'intent',
  'dhcp', // a DHCP decision with its reason
  'tftp',
  'script', // a boot script was rendered and fetched
  'agent', // session, inventory
  'step', // a deploy step started, moved on or ended
  'deployment', // it changed state
  'errand', // likewise
  'ramroot', // a boot into a version that runs from memory
  'update', // machines that run from memory are moved to another version
  'output', // of an operator's script: shown, and kept elsewhere
  'conflict', // two machines that cannot both be what they say: held for a person
  'security', // a token came twice, a signature did not verify
  'image', // a version was made by itself
  'server', // a part was restarted
] as const
export type TimelineKind = (typeof timelineKinds)[number]
