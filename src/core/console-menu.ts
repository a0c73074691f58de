import { type Static, Type } from 'typebox'
import { DiskRule } from './disk-rule.ts'
import { FilesystemType, Layout } from './layout.ts'
import type { Machine } from './machine.ts'
import { describeConflict } from './machine-identity.ts'

/*
 * What the agent's menu at the machine's own screen asks the server, and what it answers. Both belong to the agent protocol
 * (agent-protocol.ts): a session's bearer stands in every request.
 */

/** Who may have a version written to a machine by choosing it at its console. */
export const menuUsers = ['approved', 'known', 'anyone'] as const
export type MenuUser = (typeof menuUsers)[number]

/** What a site says about the menus of a machine. */
export type ConsoleMenuPolicy = {
  /** approved: by a person. known: booted by our DHCP. anyone: by another's, too. */
  who: MenuUser
  /** Names of the images that are offered; all where not given. */
  images?: readonly string[]
  /** crypt(5): SHA-512 or yescrypt. */
  password?: string
}

export const usualMenuPolicy: ConsoleMenuPolicy = { who: 'approved' }

/** Why nothing may be written to the machine from its console; undefined where it may. `isAnonymous`: it came without a boot token. */
export function whyMenuRefused(
  { who }: ConsoleMenuPolicy,
  { name, approved, conflicts: [conflict] = [] }: Pick<Machine, 'name' | 'approved' | 'conflicts'>,
  isAnonymous: boolean,
): string | undefined {
  if (conflict) return `${name} is held: ${describeConflict(name, conflict)}`
  if (isAnonymous && who !== 'anyone') {
    return `another DHCP server booted this machine, so that it may be any; the site file allows that with consoleMenu: { who: anyone }`
  }
  if (!approved && who === 'approved') {
    return `${name} is not approved; an operator does that with: bootwright machine set ${name} --approve`
  }
  return undefined
}

/** How content comes to the machine. */
export const MenuTransfer = Type.Object({ name: Type.Literal('http'), title: Type.String() })
export type MenuTransfer = Static<typeof MenuTransfer>

export const menuTransfers: readonly MenuTransfer[] = [{ name: 'http', title: 'HTTP, from this server' }]

export const MenuVersion = Type.Object({
  id: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  /** Milliseconds since the epoch. */
  createdAt: Type.Integer(),
  tags: Type.Array(Type.String()),
  comment: Type.Optional(Type.String()),
  sizeBytes: Type.Integer(),
  /** A foreign disk as it is: it brings its own partitions. */
  isWholeDisk: Type.Boolean(),
})
export type MenuVersion = Static<typeof MenuVersion>

export const MenuImage = Type.Object({
  name: Type.String(),
  /** The newest first. */
  versions: Type.Array(MenuVersion),
})
export type MenuImage = Static<typeof MenuImage>

/** `GET /agent/menu`: whether this machine may, and what there is. */
export const MenuOffer = Type.Object({
  provision: Type.Union([
    Type.Object({ kind: Type.Literal('allowed'), needsPassword: Type.Boolean() }),
    Type.Object({ kind: Type.Literal('refused'), reason: Type.String() }),
  ]),
  images: Type.Array(MenuImage),
  layouts: Type.Array(Layout),
  transfers: Type.Array(MenuTransfer),
})
export type MenuOffer = Static<typeof MenuOffer>

/** `POST /agent/menu/deploy`. */
export const MenuChoice = Type.Object(
  {
    image: Type.String({ maxLength: 300, description: 'NAME, NAME:TAG or NAME@VERSION' }),
    disk: DiskRule,
    layout: Type.Union([Type.String({ maxLength: 64 }), Layout]),
    filesystem: Type.Optional(FilesystemType),
    transfer: Type.Literal('http'),
    password: Type.Optional(Type.String({ maxLength: 200 })),
    /** Nobody is at the console: the kernel's arguments say all this, at every boot. */
    unattended: Type.Optional(Type.Boolean()),
    /** Even if that version was written to this machine before. */
    again: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
export type MenuChoice = Static<typeof MenuChoice>

/** `making`: the server makes what this takes, ask again. `ordered`: the next order is this deployment. */
export const MenuReply = Type.Union([
  Type.Object({ kind: Type.Literal('ordered'), deploymentId: Type.String() }),
  Type.Object({ kind: Type.Literal('making') }),
])
export type MenuReply = Static<typeof MenuReply>
