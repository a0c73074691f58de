import { type Static, Type } from 'typebox'

/** A filesystem that a person could mount, and the place that `mount-all` gives it. */
export const Mountable = Type.Object({
  device: Type.String({ maxLength: 200 }),
  type: Type.String({ maxLength: 40 }),
  label: Type.Optional(Type.String({ maxLength: 200 })),
  sizeBytes: Type.Integer(),
  directory: Type.String({ maxLength: 200 }),
})
export type Mountable = Static<typeof Mountable>

/** What disks turned out to be, when those that are made of other disks were put together. Nothing of it is mounted. */
export const AssembledDisks = Type.Object({
  /** `/dev/md127`. */
  arrays: Type.Array(Type.String({ maxLength: 200 }), { maxItems: 256 }),
  volumeGroups: Type.Array(Type.String({ maxLength: 200 }), { maxItems: 256 }),
  /** Disks reached over several paths, under their one name: `/dev/mapper/mpath-sda`. */
  multipath: Type.Array(Type.String({ maxLength: 200 }), { maxItems: 256 }),
  /** Encrypted: what is in them shows when a person has opened them. */
  locked: Type.Array(Type.String({ maxLength: 200 }), { maxItems: 256 }),
  mountable: Type.Array(Mountable, { maxItems: 1024 }),
})
export type AssembledDisks = Static<typeof AssembledDisks>

/** How a machine that is rescued is reached: the result of its errand. */
export const RescueResult = Type.Object({
  address: Type.String({ pattern: '^\\d{1,3}(\\.\\d{1,3}){3}$' }),
  /** Public half, as OpenSSH writes it, without a comment. */
  hostKey: Type.String({ pattern: '^ssh-ed25519 [A-Za-z0-9+/]{16,200}={0,2}$' }),
  /** `SHA256:…`, as ssh shows it. */
  fingerprint: Type.String({ pattern: '^SHA256:[A-Za-z0-9+/]{43}$' }),
  disks: AssembledDisks,
})
export type RescueResult = Static<typeof RescueResult>
