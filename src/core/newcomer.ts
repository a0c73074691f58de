import type { Stranger } from './group-claim.ts'
import type { Labels } from './labels.ts'

/** ignore: nothing of ours is for it · discover: it is looked into and waits · approve: and is ours at once. */
export const unknownPolicies = ['ignore', 'discover', 'approve'] as const
export type UnknownPolicy = (typeof unknownPolicies)[number]

/** Who asks, as far as that is known: by its address on our subnets, and by the group it is in already. */
export type Newcomer = Stranger & { address: string; group?: string }

/** What becomes of a machine that nobody has approved yet. */
export type NewcomerRules = {
  unknown: UnknownPolicy
  /** What its name is made of (core/name-pattern.ts). */
  name?: string
  /** The name of its address in the DNS goes before. */
  nameFromDns: boolean
  group?: string
  labels?: Labels
  /** The group whose rules these are. */
  claimedBy?: string
}
