import { type Static, Type } from 'typebox'
import { type DeployStep, deploySteps } from './deployment.ts'
import { type ErrandStep, errandSteps } from './errand.ts'
import { HandOver } from './hand-over.ts'
import { Inventory, Surroundings } from './inventory.ts'

/*
 * What the agent and the server say to each other on the boot plane. JSON over HTTP; every request but `session` and
 * `proof` carries `Authorization: Bearer SESSION`. All are safe to repeat: an agent that lost the answer asks again.
 *
 *   POST /agent/session    SessionRequest  → SessionReply       boot token for a session; a second exchange freezes (409)
 *   POST /agent/inventory  Inventory       → 204
 *   POST /agent/surroundings  Surroundings → 204                whenever something of it is known
 *   GET  /agent/order                      → SignedOrder        held up to 20 s while there is nothing to do; ?chosen: the
 *                                                              loader's menu led here, ?shown: the console menu is there
 *   GET  /agent/menu                       → MenuOffer          what the console menu has to offer (core/console-menu.ts)
 *   POST /agent/menu/deploy MenuChoice     → MenuReply          held up to 20 s while what it takes is being made
 *   POST /agent/progress   ProgressReport  → 204
 *   POST /agent/stream     StreamRequest   → StreamReply        a btrfs stream; held up to 20 s while it is being made
 *   POST /agent/written    WrittenReport   → 204                the intent is used up, durably, before this answers
 *   POST /agent/handover   HandOverReport  → 204
 *   POST /agent/failure    FailureReport   → 204
 *   GET  /agent/script                     → ScriptReply        of the errand that the session has
 *   POST /agent/output     OutputReport    → 204                what the operator's script says, as it comes
 *   POST /agent/done       DoneReport      → 204                the errand is done and its intent used up, durably
 *   GET  /agent/done/TOKEN                 → 204                the same, for a plain wget of a script's; no bearer
 *   POST /agent/proof      {}              → 204                first-boot callback: Bearer is the proof token;
 *                                                              ?bootOrder= is UEFI's variable as it is now, hexadecimal
 *   POST /agent/first-boot text            → 204                before the proof, with the same bearer: what a hook said;
 *                                                              ?hook=N&status=CODE&seconds=S
 *   GET  /images/VERSION/manifest, /signatures, /locations, /packs/PACK    (image/: the store's own formats)
 */

export const SessionRequest = Type.Object({
  /** The boot token of the kernel command line; absent when somebody else's DHCP server booted the machine. */
  token: Type.Optional(Type.String()),
  mac: Type.String(),
  /** X25519, SPKI DER, base64: secrets are sealed to it. Repeating a request with the same key is not a second exchange. */
  publicKey: Type.String(),
  nonce: Type.String({ minLength: 16, maxLength: 64 }),
})
export type SessionRequest = Static<typeof SessionRequest>

export const SessionReply = Type.Object({
  session: Type.String(),
  machine: Type.Object({ id: Type.String(), name: Type.String() }),
  /** The server's clock, milliseconds since the epoch: the agent sets its own by it. */
  nowMs: Type.Integer(),
})
export type SessionReply = Static<typeof SessionReply>

/** Of any work of the agent's; which steps a piece of work has, the server knows. */
export type WorkStep = DeployStep | ErrandStep
const workSteps: readonly WorkStep[] = [...new Set([...deploySteps, ...Object.values(errandSteps).flat()])]

/** `Unsafe` because a mapped tuple has no static type of its own; the check is the union's. */
export const StepName = Type.Unsafe<WorkStep>(Type.Union(workSteps.map((step) => Type.Literal(step))))

export const ProgressReport = Type.Object({
  /** Of a deployment or an errand. */
  workId: Type.String(),
  step: StepName,
  state: Type.Union([Type.Literal('started'), Type.Literal('progress'), Type.Literal('done')]),
  /** Work done so far in this step and in all, where the step has a size. */
  bytesDone: Type.Optional(Type.Integer()),
  bytesTotal: Type.Optional(Type.Integer()),
  /** A sentence for the timeline: "chose /dev/vda [virtio, serial ROOT, 4.0 GB]". */
  detail: Type.Optional(Type.String({ maxLength: 2000 })),
  /** How long the step took, when it is done. */
  seconds: Type.Optional(Type.Number()),
  /** What the operator should know although the step is done: the firmware did not keep its boot order. */
  notice: Type.Optional(Type.String({ maxLength: 2000 })),
  /** With `progress`: lines of a script that runs in the step, of which `offset` were told before. */
  output: Type.Optional(
    Type.Object({
      offset: Type.Integer({ minimum: 0 }),
      lines: Type.Array(Type.String({ maxLength: 1000 }), { maxItems: 200 }),
    }),
  ),
})
export type ProgressReport = Static<typeof ProgressReport>

export const StreamRequest = Type.Object({
  deploymentId: Type.String(),
  /** What the machine has and a difference could be against, the newest first. */
  versions: Type.Array(Type.String({ pattern: '^[0-9a-f]{64}$' }), { maxItems: 256 }),
})
export type StreamRequest = Static<typeof StreamRequest>

/** `ready`: the stream of the deployment's version is there, against `parent`, or whole. `making`: ask again. */
export const StreamReply = Type.Union([
  Type.Object({ kind: Type.Literal('ready'), parent: Type.Optional(Type.String()) }),
  Type.Object({ kind: Type.Literal('making') }),
])
export type StreamReply = Static<typeof StreamReply>

export const WrittenReport = Type.Object({
  deploymentId: Type.String(),
  bytesFetched: Type.Integer(),
  bytesWritten: Type.Integer(),
  /** Content that was on the disk already, and stayed. */
  bytesReused: Type.Optional(Type.Integer()),
  /** The deployed machine's SSH host keys, public part, one OpenSSH line each. */
  sshHostKeys: Type.Array(Type.String()),
  /** UEFI: the order of boot entries that was set, four hexadecimal digits each. */
  bootOrder: Type.Optional(Type.Array(Type.String({ pattern: '^[0-9A-F]{4}$' }), { maxItems: 256 })),
  /** Versions that the machine can roll back to, the newest first, with this one. */
  keptVersions: Type.Optional(Type.Array(Type.String({ pattern: '^[0-9a-f]{64}$' }), { maxItems: 256 })),
})
export type WrittenReport = Static<typeof WrittenReport>

export const HandOverReport = Type.Object({
  /** How the agent leaves, which is not always how it was told to; absent in the words of an older agent. */
  by: Type.Optional(HandOver),
})
export type HandOverReport = Static<typeof HandOverReport>

export const FailureReport = Type.Object({
  workId: Type.String(),
  step: StepName,
  reason: Type.String({ maxLength: 8000 }),
  /** What was found or done up to it, by the kind of work. */
  result: Type.Optional(Type.Unknown()),
})
export type FailureReport = Static<typeof FailureReport>

/** Sealed to the session's key (core/seal.ts): a script may have secrets in it. */
export const ScriptReply = Type.Object({ sealed: Type.String() })
export type ScriptReply = Static<typeof ScriptReply>

export const OutputReport = Type.Object({
  workId: Type.String(),
  /** How many characters came before: what was sent twice is kept once. */
  offset: Type.Integer({ minimum: 0 }),
  text: Type.String({ maxLength: 256 * 1024 }),
})
export type OutputReport = Static<typeof OutputReport>

export const DoneReport = Type.Object({
  workId: Type.String(),
  /** What the agent found or did, by the kind of work. */
  result: Type.Optional(Type.Unknown()),
  /** A sentence for the timeline. */
  detail: Type.Optional(Type.String({ maxLength: 2000 })),
})
export type DoneReport = Static<typeof DoneReport>

export { Inventory, Surroundings }

/** Where the ramdisk keeps the public keys it trusts (PEM, SPKI). */
export const trustFiles = {
  image: '/etc/bootwright/trust/image.pub',
  order: '/etc/bootwright/trust/order.pub',
} as const
