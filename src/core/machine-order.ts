import { type Static, Type } from 'typebox'
import { DiskRule } from './disk-rule.ts'
import { ErrandWork } from './errand.ts'
import { HandOver } from './hand-over.ts'
import { StandingIntent } from './intent.ts'
import { FilesystemType, Layout } from './layout.ts'
import { DeployRendition, VerifyPolicy } from './order.ts'

const bootAttempts = Type.Optional(
  Type.Integer({ minimum: 1, maximum: 100, description: 'Boots that get no further, after which it fails (3)' }),
)

/** What an operator says of a deployment; what is not said follows from the version and the machine. */
export const deployWishFields = {
  image: Type.String({ description: 'NAME, NAME:TAG or NAME@VERSION; the tag is `current` where none is given' }),
  rendition: Type.Optional(DeployRendition),
  disk: Type.Optional(DiskRule),
  layout: Type.Optional(Type.Union([Type.String({ description: 'Name of a ready one' }), Layout])),
  filesystem: Type.Optional(FilesystemType),
  redeploy: Type.Optional(Type.Boolean({ description: 'Keeps what the last deployment made of the disk' })),
  verify: Type.Optional(VerifyPolicy),
  handOver: Type.Optional(HandOver),
  kernelArguments: Type.Optional(Type.Array(Type.String({ pattern: '^[!-~]+$' }), { maxItems: 64 })),
  keepVersions: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: 'For the rendition btrfs' })),
  proofSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400 })),
  bootAttempts,
}
export const DeployWish = Type.Object(deployWishFields, { additionalProperties: false })
export type DeployWish = Static<typeof DeployWish>

/** Likewise of an errand. */
export const errandWishFields = {
  work: ErrandWork,
  once: Type.Optional(Type.Boolean({ description: 'True where not given; otherwise at every network boot' })),
  bootAttempts,
}

/** What is wanted of a machine: a deployment, its last one once more, an errand, or what it boots from now on while nothing is ordered. */
export const MachineOrder = Type.Union([
  Type.Object({ kind: Type.Literal('deploy'), wish: DeployWish }, { additionalProperties: false }),
  Type.Object({ kind: Type.Literal('retry') }, { additionalProperties: false }),
  Type.Object({ kind: Type.Literal('errand'), ...errandWishFields }, { additionalProperties: false }),
  Type.Object({ kind: Type.Literal('boot'), intent: StandingIntent }, { additionalProperties: false }),
])
export type MachineOrder = Static<typeof MachineOrder>

/** What became of an order for one machine. */
export type PlacedOrder = {
  machine: string
  deploymentId?: string
  errandId?: string
  refused?: string
  /** Worth knowing of what was ordered. */
  notice?: string
}

/** Orders that are placed later. Times are milliseconds since the epoch. */
export type ScheduledOrder = {
  id: string
  at: number
  /** Machines by name; those of a selector were chosen when it was scheduled. */
  machines: string[]
  order: MachineOrder
  /** missed: the service was not there at the time, and it came back too late. */
  state: 'waiting' | 'placed' | 'missed' | 'cancelled'
  placed: PlacedOrder[]
  createdAt: number
}

export function describeOrder(order: MachineOrder): string {
  switch (order.kind) {
    case 'deploy':
      return `deploy ${order.wish.image}`
    case 'retry':
      return 'retry'
    case 'errand':
      return order.work.kind
    case 'boot':
      return `boot ${order.intent.kind}`
  }
}
