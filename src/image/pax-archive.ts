import { fileBytes, zeroBytes } from './file-bytes.ts'
import { encodeFileName } from './file-name.ts'
import type { Member } from './group-members.ts'
import type { TreeContents } from './renditions/tree-contents.ts'
import type { Entry, FileEntry } from './tree.ts'

const blockBytes = 512
const squashfsLastSecond = 0xffff_ffff
const typeFlags: Readonly<Record<Entry['type'], string>> = {
  file: '0',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
}
/** What of the metadata goes into the archive: which attributes, and whether a time is exact or of whole seconds from 1970 on. */
export type PaxOptions = { keepsAttribute: (name: string, path: string) => boolean; hasExactTimes: boolean }

/**
 * A pax tar (POSIX.1-2017 pax) of the members, of which the root is `./`. Numbers, names and attributes always stand in
 * extended headers where a ustar header has no room for them.
 */
export async function* paxArchive(
  contents: TreeContents,
  members: Iterable<Member>,
  options: PaxOptions,
): AsyncGenerator<Uint8Array> {
  for (const member of members) {
    const { node, path, firstPath } = member
    const name = encodeFileName(path === '' ? './' : path)!
    if (firstPath !== undefined) {
      yield* header({ name, node, typeflag: '1', linkName: encodeFileName(firstPath)!, storedBytes: 0, records: [] })
      continue
    }
    const records = node.xattrs
      .filter((xattr) => options.keepsAttribute(xattr.name, path))
      .map((xattr) => record(Buffer.concat([Buffer.from('SCHILY.xattr.'), encodeFileName(xattr.name)!]), xattr.value))
    if (options.hasExactTimes) records.push(...timeRecord(node))
    if (node.type === 'file') yield* file(contents, name, node, records)
    else {
      const linkName = node.type === 'symlink' ? encodeFileName(node.target)! : Buffer.alloc(0)
      yield* header({ name, node, typeflag: typeFlags[node.type], linkName, storedBytes: 0, records })
    }
  }
  yield Buffer.alloc(blockBytes * 2)
}

/** Where whole seconds of a ustar header do not say it: a fraction counts upwards from them, before 1970 too. */
function timeRecord({ mtimeSeconds, mtimeNanoseconds }: Entry): Buffer[] {
  const isExact = mtimeNanoseconds === 0 && mtimeSeconds >= 0 && mtimeSeconds <= squashfsLastSecond
  if (isExact) return []
  const total = BigInt(mtimeSeconds) * 1_000_000_000n + BigInt(mtimeNanoseconds)
  const size = total < 0n ? -total : total
  const fraction = `${size % 1_000_000_000n}`.padStart(9, '0')
  return [record('mtime', `${total < 0n ? '-' : ''}${size / 1_000_000_000n}.${fraction}`)]
}

/** Holes are zeros here, of which tar2sqfs makes holes again. */
async function* file(contents: TreeContents, name: Buffer, node: FileEntry, records: Buffer[]) {
  yield* header({ name, node, typeflag: '0', linkName: Buffer.alloc(0), storedBytes: node.sizeBytes, records })
  yield* fileBytes(contents, node)
  yield* zeroBytes(-node.sizeBytes & (blockBytes - 1))
}

type TarHeader = {
  name: Buffer
  node: Entry
  typeflag: string
  linkName: Buffer
  storedBytes: number
  /** Of the extended header, beside those that the fields need. */
  records: Buffer[]
}

function* header({ name, node, typeflag, linkName, storedBytes, records }: TarHeader): Generator<Buffer> {
  const all = [...records]
  if (name.length > 100) all.push(record('path', name))
  if (linkName.length > 100) all.push(record('linkpath', linkName))
  for (const [key, value, digits] of [
    ['uid', node.uid, 7],
    ['gid', node.gid, 7],
    ['size', storedBytes, 11],
  ] as const) {
    if (value >= 8 ** digits) all.push(record(key, `${value}`))
  }
  if (all.length > 0) {
    const extension = Buffer.concat(all)
    yield block({ name: Buffer.from('pax'), mode: 0, uid: 0, gid: 0, size: extension.length, mtime: 0, typeflag: 'x' })
    yield Buffer.concat([extension, Buffer.alloc(-extension.length & (blockBytes - 1))])
  }
  const [major, minor] = 'major' in node ? [node.major, node.minor] : [0, 0]
  const { mode, uid, gid } = node
  // Of other times the sidecar has the right one.
  const mtime = Math.min(Math.max(node.mtimeSeconds, 0), squashfsLastSecond)
  yield block({ name, mode, uid, gid, size: storedBytes, mtime, typeflag, linkName, major, minor })
}

type Block = { name: Buffer; mode: number; uid: number; gid: number; size: number; mtime: number; typeflag: string }

function block(fields: Block & { linkName?: Buffer; major?: number; minor?: number }): Buffer {
  const bytes = Buffer.alloc(blockBytes)
  const number = (value: number, at: number, digits: number) =>
    bytes.write(value >= 8 ** digits ? '0'.repeat(digits) : value.toString(8).padStart(digits, '0'), at)
  bytes.set(fields.name.subarray(0, 100), 0)
  number(fields.mode, 100, 7)
  number(fields.uid, 108, 7)
  number(fields.gid, 116, 7)
  number(fields.size, 124, 11)
  number(fields.mtime, 136, 11)
  bytes.fill(' ', 148, 156)
  bytes.write(fields.typeflag, 156)
  bytes.set(fields.linkName?.subarray(0, 100) ?? [], 157)
  bytes.write('ustar\x0000', 257)
  number(fields.major ?? 0, 329, 7)
  number(fields.minor ?? 0, 337, 7)
  const sum = bytes.reduce((total, byte) => total + byte, 0)
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return bytes
}

/** "LENGTH KEY=VALUE\n"; the length counts its own digits. */
function record(key: string | Buffer, value: string | Buffer): Buffer {
  const rest = Buffer.concat([
    Buffer.from(' '),
    Buffer.from(key),
    Buffer.from('='),
    Buffer.from(value),
    Buffer.from('\n'),
  ])
  let length = rest.length + 1
  while (`${length}`.length + rest.length !== length) length++
  return Buffer.concat([Buffer.from(`${length}`), rest])
}
