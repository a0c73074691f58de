import { type KeyObject, sign, verify } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { DiskRule } from './disk-rule.ts'
import { RescueWork, RunWork, WipeWork } from './errand.ts'
import { HandOver } from './hand-over.ts'
import { FilesystemType, Layout } from './layout.ts'
import { DeploymentSetup } from './setup.ts'

/**
 * What the agent writes: files, one filesystem's blocks, a foreign whole disk, or a btrfs send stream. What a machine can
 * take, and why, is DESIGN.md's table of renditions.
 */
export const DeployRendition = Type.Union([
  Type.Literal('tree'),
  Type.Literal('volume'),
  Type.Literal('disk'),
  Type.Literal('btrfs'),
])
export type DeployRendition = Static<typeof DeployRendition>

/** How much of what was written is read back from the disk: all of it, or a tenth of its contents, by chance. */
export const VerifyPolicy = Type.Union([Type.Literal('whole'), Type.Literal('sampled')])
export type VerifyPolicy = Static<typeof VerifyPolicy>

export const verifyShares: Record<VerifyPolicy, number> = { whole: 1, sampled: 0.1 }

export const DeployOrder = Type.Object({
  /** `rollback`: the version is one that the disk has; it is booted from now on, and nothing is fetched. */
  kind: Type.Union([Type.Literal('deploy'), Type.Literal('rollback')]),
  deploymentId: Type.String(),
  machine: Type.Object({ id: Type.String(), name: Type.String() }),
  /** The nonce of the agent's session: an order for another boot is refused. */
  agentNonce: Type.String(),
  image: Type.String(),
  /** SHA-256 of the tree manifest's bytes, hexadecimal: the manifest's own signature is checked as well. */
  version: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  /** What the server wrote to this machine last: what is still there of it helps to fetch less. Nothing is believed of it. */
  previousVersion: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })),
  /** The attempt before this one has left the root filesystem that it made: it is kept, where it is there and sound. */
  goesOn: Type.Optional(Type.Boolean()),
  rendition: DeployRendition,
  diskRule: DiskRule,
  /** Whole, so that the agent knows no names. A root it makes has `filesystem`. */
  layout: Layout,
  filesystem: FilesystemType,
  verify: VerifyPolicy,
  handOver: HandOver,
  /** How many versions stay on a btrfs that versions are received into, with this one. */
  keepVersions: Type.Integer({ minimum: 1 }),
  /** Extra kernel arguments of the deployed system. */
  kernelArguments: Type.Array(Type.String()),
  /** Secrets for this session only, sealed to its key (core/seal.ts); opens to a DeploySecrets. */
  sealed: Type.String(),
})
export type DeployOrder = Static<typeof DeployOrder>

export const ErrandOrder = Type.Object({
  kind: Type.Literal('errand'),
  errandId: Type.String(),
  machine: Type.Object({ id: Type.String(), name: Type.String() }),
  agentNonce: Type.String(),
  /** A script's text is asked for apart: GET /agent/script. */
  work: Type.Union([WipeWork, RunWork, RescueWork]),
  /** Opens to an ErrandSecrets. */
  sealed: Type.String(),
})
export type ErrandOrder = Static<typeof ErrandOrder>

/** `wait`: nothing to do, ask again. `menu`: likewise, and a person at the console may choose. `reboot`: the machine's intent changed to one this boot cannot do. */
export const Order = Type.Union([
  DeployOrder,
  ErrandOrder,
  Type.Object({ kind: Type.Literal('wait'), agentNonce: Type.String() }),
  Type.Object({ kind: Type.Literal('menu'), agentNonce: Type.String() }),
  Type.Object({ kind: Type.Literal('reboot'), agentNonce: Type.String(), reason: Type.String() }),
])
export type Order = Static<typeof Order>

export const DeploySecrets = Type.Object({
  /** Bearer of the first-boot callback. */
  proofToken: Type.String(),
  /** Scripts and files, absent where there are none: secrets stand in them. */
  setup: Type.Optional(DeploymentSetup),
})
export type DeploySecrets = Static<typeof DeploySecrets>

export const ErrandSecrets = Type.Object({
  /** Last part of the URL that says that the work is done. */
  doneToken: Type.String(),
  /** Of a rescue: crypt(5)'s hash of the password for root at the machine's console. */
  passwordHash: Type.Optional(Type.String()),
})
export type ErrandSecrets = Static<typeof ErrandSecrets>

/** The exact bytes that were signed travel, so that nothing depends on how JSON is written. */
export const SignedOrder = Type.Object({ order: Type.String(), signature: Type.String() })
export type SignedOrder = Static<typeof SignedOrder>

/** Ed25519 over the UTF-8 JSON. */
export function signOrder(order: Order, key: KeyObject): SignedOrder {
  const text = JSON.stringify(order)
  return { order: text, signature: sign(null, Buffer.from(text), key).toString('base64') }
}

/** An order that is not ours, or not for this boot. */
export class OrderRefused extends Error {
  override readonly name = 'OrderRefused'
}

/** Throws OrderRefused when the signature or the nonce is wrong. The caller checks the shape with the Order schema. */
export function openOrder(signed: SignedOrder, key: KeyObject, agentNonce: string): unknown {
  if (!verify(null, Buffer.from(signed.order), key, Buffer.from(signed.signature, 'base64'))) {
    throw new OrderRefused('Cannot use the order: its signature is not by the order key this ramdisk trusts')
  }
  const order = JSON.parse(signed.order) as { agentNonce?: unknown }
  if (order.agentNonce !== agentNonce) {
    throw new OrderRefused('Cannot use the order: it was signed for another boot of this machine')
  }
  return order
}
