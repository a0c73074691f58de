import { DecodeError } from '../bytes/decode-error.ts'

/*
 * POSIX ACLs as text (acl(5), "LONG TEXT FORM" and the short one), which is how tars carry them, to the kernel's own form
 * (linux/posix_acl_xattr.h): version 2, then tag, permissions and id of each entry, little-endian, in the kernel's order.
 */

const tags = { userObject: 0x01, user: 0x02, groupObject: 0x04, group: 0x08, mask: 0x10, other: 0x20 } as const
const undefinedId = 0xffff_ffff
const what = 'ACL'

type AclEntry = { tag: number; permissions: number; id: number }

/**
 * Value of the attribute system.posix_acl_access or _default; undefined for an ACL that says no more than a mode. A user
 * or group is a number, or has it behind (`user:joe:rwx:1000`, as libarchive writes). Throws DecodeError.
 */
export function encodeAclText(text: string, kind: 'access' | 'default'): Buffer | undefined {
  const entries = text
    .split(/[,\n]/)
    .map((entry) => entry.replace(/#.*/, '').trim())
    .filter((entry) => entry !== '')
    .map((entry) => parseEntry(entry.replace(/^default:/, '')))
    .sort((a, b) => a.tag - b.tag || a.id - b.id)
  const isOnlyMode = entries.every(({ tag }) => tag !== tags.user && tag !== tags.group && tag !== tags.mask)
  if (entries.length === 0 || (kind === 'access' && isOnlyMode)) return undefined
  const value = Buffer.alloc(4 + entries.length * 8)
  value.writeUInt32LE(2, 0)
  entries.forEach(({ tag, permissions, id }, at) => {
    value.writeUInt16LE(tag, 4 + at * 8)
    value.writeUInt16LE(permissions, 6 + at * 8)
    value.writeUInt32LE(id, 8 + at * 8)
  })
  return value
}

function parseEntry(entry: string): AclEntry {
  const [kind = '', qualifier = '', letters = '', number] = entry.split(':').map((field) => field.trim())
  // "other:r--" and "mask:r--" may leave the empty field out.
  const isShort = letters === '' && /^[rwx-]{3}$/.test(qualifier)
  const permissions = parsePermissions(isShort ? qualifier : letters, entry)
  const name = isShort ? '' : qualifier
  const at = { u: 'user', g: 'group', m: 'mask', o: 'other' }[kind] ?? kind
  if (at === 'mask' || at === 'other') return { tag: tags[at], permissions, id: undefinedId }
  if (at !== 'user' && at !== 'group') throw new DecodeError(what, `"${entry}" is no entry of one`)
  if (name === '') return { tag: at === 'user' ? tags.userObject : tags.groupObject, permissions, id: undefinedId }
  return { tag: tags[at], permissions, id: parseId(number ?? name, entry) }
}

function parsePermissions(letters: string, entry: string): number {
  const [, read, write, execute] = /^([r-])([w-])([x-])$/.exec(letters) ?? []
  if (read === undefined) throw new DecodeError(what, `"${entry}" has no permissions like rw-`)
  return (read === 'r' ? 4 : 0) + (write === 'w' ? 2 : 0) + (execute === 'x' ? 1 : 0)
}

function parseId(text: string, entry: string): number {
  const id = Number(text)
  if (/^\d{1,10}$/.test(text) && id < undefinedId) return id
  const advice = "make the tar without --acls, with --xattrs --xattrs-include='*', or by bsdtar"
  throw new DecodeError(
    what,
    `ACLs as text need numbers: "${entry}" has a name, of which this machine knows nothing; ${advice}`,
  )
}
