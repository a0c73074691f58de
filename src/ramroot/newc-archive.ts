import { fileBytes, zeroBytes } from '../image/file-bytes.ts'
import { encodeFileName } from '../image/file-name.ts'
import type { Member } from '../image/group-members.ts'
import type { TreeContents } from '../image/renditions/tree-contents.ts'
import type { Entry } from '../image/tree.ts'

const fileTypes: Readonly<Record<Entry['type'], number>> = {
  fifo: 0o010000,
  'character-device': 0o020000,
  directory: 0o040000,
  'block-device': 0o060000,
  file: 0o100000,
  symlink: 0o120000,
}

/** What the eight hexadecimal digits of a field hold. */
export const newcLimit = 0xffff_ffff

/**
 * A `newc` archive as the kernel unpacks it at boot (Documentation/driver-api/early-userspace/buffer-format). Hard links
 * share an inode number and a link count; the last of them has the bytes, as GNU cpio writes it. The root is the member ".".
 */
export async function* newcArchive(contents: TreeContents, members: Iterable<Member>): AsyncGenerator<Uint8Array> {
  const inodes = new Map<Entry, number>()
  for (const member of members) {
    const { node, path } = member
    if (!inodes.has(node)) inodes.set(node, inodes.size + 1)
    const target = node.type === 'symlink' ? encodeFileName(node.target)! : undefined
    const hasBytes = node.type === 'file' && member.nth === member.links
    const sizeBytes = target?.length ?? (hasBytes ? node.sizeBytes : 0)
    yield header(member, inodes.get(node)!, encodeFileName(path === '' ? '.' : path)!, sizeBytes)
    if (target) yield target
    if (hasBytes) yield* fileBytes(contents, node)
    yield* zeroBytes(-sizeBytes & 3)
  }
  yield trailer()
}

function header({ node, links }: Member, inode: number, name: Buffer, sizeBytes: number): Buffer {
  const [major, minor] = 'major' in node ? [node.major, node.minor] : [0, 0]
  const nlink = node.type === 'directory' ? 2 : links
  const mode = fileTypes[node.type] | node.mode
  const mtime = Math.min(Math.max(node.mtimeSeconds, 0), newcLimit)
  return encode([inode, mode, node.uid, node.gid, nlink, mtime, sizeBytes, 0, 0, major, minor], name)
}

function trailer(): Buffer {
  return encode([0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], Buffer.from('TRAILER!!!'))
}

/** `fields` up to the length of the name; the check sum behind it is not used by this format. */
function encode(fields: readonly number[], name: Buffer): Buffer {
  const digits = [...fields, name.length + 1, 0].map((field) => field.toString(16).padStart(8, '0')).join('')
  const length = 6 + digits.length + name.length + 1
  return Buffer.concat([Buffer.from(`070701${digits}`), name, Buffer.alloc(1 + (-length & 3))])
}
