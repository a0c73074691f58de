import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { writePathTimes } from '../../../src/linux/file-times.ts'
import { listXattrs, readXattr, writeXattr } from '../../../src/linux/xattr.ts'

/** Moves all owners of a tree up, as the files of an unprivileged container lie on the disk; all else stays. */
export function shiftOwners(directory: string, by: number): void {
  // find, because readdir's recursion follows symlinks.
  const found = execFileSync('find', [directory, '-depth', '-print0'], { maxBuffer: 1 << 28 })
  const seen = new Set<bigint>()
  for (let start = 0, end = found.indexOf(0); end >= 0; start = end + 1, end = found.indexOf(0, start)) {
    const file = found.subarray(start, end)
    const stats = fs.lstatSync(file, { bigint: true })
    if (seen.has(stats.ino)) continue
    seen.add(stats.ino)
    shift(file, stats, by)
  }
}

function shift(file: Buffer, stats: fs.BigIntStats, by: number): void {
  const xattrs = listXattrs(file).map((name) => ({ name, value: readXattr(file, name) }))
  fs.lchownSync(file, Number(stats.uid) + by, Number(stats.gid) + by)
  if (!stats.isSymbolicLink()) fs.chmodSync(file, Number(stats.mode) & 0o7777)
  for (const { name, value } of xattrs) writeXattr(file, name, shiftedXattr(name.toString(), value, by))
  const nanoseconds = ((stats.mtimeNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
  writePathTimes(file, Number((stats.mtimeNs - nanoseconds) / 1_000_000_000n), Number(nanoseconds))
}

function shiftedXattr(name: string, value: Buffer, by: number): Buffer {
  if (name === 'security.capability') return shiftedCapability(value, by)
  if (!name.startsWith('system.posix_acl_')) return value
  const shifted = Buffer.from(value)
  for (let at = 4; at < value.length; at += 8) {
    const isNamed = [2, 8].includes(value.readUInt16LE(at))
    if (isNamed) shifted.writeUInt32LE(value.readUInt32LE(at + 4) + by, at + 4)
  }
  return shifted
}

/** Revision 2 becomes 3, with the id of the namespace's root: what the kernel writes for a container's root. */
function shiftedCapability(value: Buffer, by: number): Buffer {
  const shifted = Buffer.concat([value, Buffer.alloc(4)])
  shifted.writeUInt32LE(((value.readUInt32LE(0) & 0xffffff) | 0x03000000) >>> 0, 0)
  shifted.writeUInt32LE(by, 20)
  return shifted
}
