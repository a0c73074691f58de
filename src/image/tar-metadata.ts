import { DecodeError } from '../bytes/decode-error.ts'
import { encodeAclText } from './acl-text.ts'
import type { TarMember } from './tar-reader.ts'
import type { Metadata, Xattr } from './tree.ts'

const xattrPrefix = 'SCHILY.xattr.'
const maxId = 0xffff_fffe

/** Throws DecodeError for what a tree cannot hold. */
export function tarMetadata(member: TarMember): Metadata {
  const { uid, gid } = member
  for (const id of [uid, gid]) {
    if (id < 0 || id > maxId)
      throw new DecodeError('tar header', `the owner ${id} is no user or group id`, member.position)
  }
  return {
    mode: member.header.mode & 0o7777,
    uid,
    gid,
    mtimeSeconds: member.mtimeSeconds,
    mtimeNanoseconds: member.mtimeNanoseconds,
    xattrs: xattrsOf(member),
  }
}

function xattrsOf(member: TarMember): Xattr[] {
  const xattrs: Xattr[] = []
  for (const [key, value] of member.pax) {
    if (key.startsWith(xattrPrefix)) xattrs.push({ name: key.slice(xattrPrefix.length), value })
    else if (key === 'RHT.security.selinux') {
      // tar keeps the label as text; the kernel's own form ends with a NUL.
      xattrs.push({ name: 'security.selinux', value: Buffer.concat([value, Buffer.alloc(1)]) })
    } else if (key === 'SCHILY.acl.access' || key === 'SCHILY.acl.default') {
      const kind = key === 'SCHILY.acl.access' ? 'access' : 'default'
      const acl = encodeAclText(value.toString(), kind)
      if (acl) xattrs.push({ name: `system.posix_acl_${kind}`, value: acl })
    }
  }
  const unique = new Map(xattrs.map((xattr) => [xattr.name, xattr]))
  return [...unique.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}
