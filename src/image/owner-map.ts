import { DecodeError } from '../bytes/decode-error.ts'
import type { Xattr } from './tree.ts'

/** `count` ids from `inside` on, as the processes see them, are `outside` on the disk: a line of lxc.idmap. */
export type IdRange = { kind: 'user' | 'group'; inside: number; outside: number; count: number }

/** A file's owner that no process of its user namespace could see. */
export class OwnerUnmapped extends Error {
  override readonly name = 'OwnerUnmapped'
  readonly kind: IdRange['kind']
  readonly id: number

  constructor(kind: IdRange['kind'], id: number) {
    super(`the ${kind} ${id} of a file there is in no range of the id map`)
    this.kind = kind
    this.id = id
  }
}

const aclNames = ['system.posix_acl_access', 'system.posix_acl_default']
const aclUserTag = 0x02
const aclGroupTag = 0x08
const capabilityBytesV3 = 24
const capabilityRevisionMask = 0xff000000
const capabilityRevision2 = 0x02000000
const capabilityRevision3 = 0x03000000

/** Undoes the shift of a user namespace: owners, users in ACLs, and the namespace that a file capability is bound to. */
export class OwnerMap {
  readonly #ranges: readonly IdRange[]

  constructor(ranges: readonly IdRange[]) {
    this.#ranges = ranges
  }

  /** Throws OwnerUnmapped. */
  inside(kind: IdRange['kind'], id: number): number {
    for (const range of this.#ranges) {
      const at = id - range.outside
      if (range.kind === kind && at >= 0 && at < range.count) return range.inside + at
    }
    throw new OwnerUnmapped(kind, id)
  }

  /** Throws OwnerUnmapped, and DecodeError for an ACL that is none. */
  xattr({ name, value }: Xattr): Xattr {
    if (aclNames.includes(name)) return { name, value: this.#acl(value) }
    if (name === 'security.capability') return { name, value: this.#capability(value) }
    return { name, value }
  }

  /** linux/posix_acl_xattr.h: a version, then entries of tag, permissions and id, little-endian. */
  #acl(value: Buffer): Buffer {
    if (value.length < 4 || value.length % 8 !== 4 || value.readUInt32LE(0) !== 2) {
      throw new DecodeError('POSIX ACL', 'it is not of version 2', 0)
    }
    const mapped = Buffer.from(value)
    for (let at = 4; at < value.length; at += 8) {
      const tag = value.readUInt16LE(at)
      if (tag !== aclUserTag && tag !== aclGroupTag) continue
      const kind = tag === aclUserTag ? 'user' : 'group'
      mapped.writeUInt32LE(this.inside(kind, value.readUInt32LE(at + 4)), at + 4)
    }
    return mapped
  }

  /**
   * linux/capability.h: revision 3 ends with the user id of the namespace's root. For root itself that is revision 2,
   * as the kernel shows it inside.
   */
  #capability(value: Buffer): Buffer {
    if (value.length !== capabilityBytesV3) return value
    const magic = value.readUInt32LE(0)
    if ((magic & capabilityRevisionMask) >>> 0 !== capabilityRevision3) return value
    const root = this.inside('user', value.readUInt32LE(20))
    const mapped = Buffer.from(value)
    mapped.writeUInt32LE(root, 20)
    if (root !== 0) return mapped
    mapped.writeUInt32LE(((magic & ~capabilityRevisionMask) | capabilityRevision2) >>> 0, 0)
    return mapped.subarray(0, 20)
  }
}
