import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { nextDataExtent } from '../../../src/linux/sparse.ts'
import { listXattrs, readXattr } from '../../../src/linux/xattr.ts'

const blockBytes = 256 * 1024

/** A tar has no hard links of what is no regular file. */
export type CompareOptions = { hasLinksOfFilesOnly: boolean }

/** Every way in which a tree differs from another, as sentences; of contents, all bytes. */
export function differences(source: string, copy: string, options: CompareOptions): string[] {
  const names = namesBelow(source)
  const found = new Set(namesBelow(copy).map(key))
  const wanted = new Set(names.map(key))
  const missing = names.filter((name) => !found.has(key(name))).map((name) => `${show(name)} is missing`)
  const surplus = [...found].filter((name) => !wanted.has(name)).map((name) => `${name} is there too`)
  const links = new LinkPairs(options)
  const differing = names
    .filter((name) => found.has(key(name)))
    .flatMap((name) =>
      compareFile(below(source, name), below(copy, name), links).map((what) => `${show(name)}: ${what}`),
    )
  return [...missing, ...surplus, ...differing]
}

const key = (name: Buffer) => name.toString('latin1')
const show = (name: Buffer) => JSON.stringify(name.toString('latin1'))
const below = (directory: string, name: Buffer) => Buffer.concat([Buffer.from(`${directory}/`), name])

function namesBelow(directory: string): Buffer[] {
  const output = execFileSync('find', ['.', '-print0'], { cwd: directory, maxBuffer: 1 << 28 })
  const names: Buffer[] = []
  for (let start = 0, end = output.indexOf(0); end >= 0; start = end + 1, end = output.indexOf(0, start)) {
    names.push(output.subarray(start, end))
  }
  return names.filter((name) => key(name) !== './lost+found')
}

/** Which inode of the copy stands for which of the source, both ways. */
class LinkPairs {
  readonly options: CompareOptions
  readonly #toCopy = new Map<bigint, bigint>()
  readonly #toSource = new Map<bigint, bigint>()

  constructor(options: CompareOptions) {
    this.options = options
  }

  areSame(source: bigint, copy: bigint): boolean {
    const known = this.#toCopy.get(source) ?? copy
    const back = this.#toSource.get(copy) ?? source
    this.#toCopy.set(source, copy)
    this.#toSource.set(copy, source)
    return known === copy && back === source
  }
}

function compareFile(source: Buffer, copy: Buffer, links: LinkPairs): string[] {
  const [a, b] = [source, copy].map((file) => fs.lstatSync(file, { bigint: true })) as [fs.BigIntStats, fs.BigIntStats]
  const isLinkable = a.isFile() || !(a.isDirectory() || links.options.hasLinksOfFilesOnly)
  const fields = [
    'mode',
    'uid',
    'gid',
    'mtimeNs',
    ...(a.isDirectory() ? [] : ['size', 'rdev']),
    ...(isLinkable ? ['nlink'] : []),
  ] as const
  const wrong = fields
    .filter((field) => a[field as 'mode'] !== b[field as 'mode'])
    .map((field) => `${field} is ${b[field as 'mode']}, not ${a[field as 'mode']}`)
  if (isLinkable && !links.areSame(a.ino, b.ino)) wrong.push('its hard links are not the same')
  const [mine, its] = [attributesOf(source), attributesOf(copy)]
  if (mine !== its) wrong.push(`its attributes are ${its}, not ${mine}`)
  if (a.isSymbolicLink() && b.isSymbolicLink()) {
    const targets = [source, copy].map((file) => fs.readlinkSync(file, { encoding: 'buffer' }).toString('latin1'))
    if (targets[0] !== targets[1]) wrong.push('its target is another')
  }
  if (a.isFile() && b.isFile() && a.size === b.size && a.size > 0n) wrong.push(...compareContent(source, copy, a, b))
  return wrong
}

function attributesOf(file: Buffer): string {
  return listXattrs(file)
    .map((name) => `${name.toString('latin1')}=${readXattr(file, name).toString('hex')}`)
    .sort()
    .join(' ')
}

/** Huge files are nearly all holes: only where either has data is looked at. */
function compareContent(source: Buffer, copy: Buffer, a: fs.BigIntStats, b: fs.BigIntStats): string[] {
  const wrong: string[] = []
  const files = [source, copy].map((file) => fs.openSync(file, 'r')) as [number, number]
  try {
    const extents = files.flatMap((fd) => dataExtents(fd, Number(a.size)))
    if (extents.some(({ start, end }) => !isSame(files, start, end))) wrong.push('its content is another')
    // A hole of a whole block of the grid stays one; metadata of the filesystem itself may take a little.
    const written = dataExtents(files[0], Number(a.size)).length * 2 * blockBytes
    const limit = Number(a.blocks) * 512 + written + 65_536
    if (Number(b.blocks) * 512 > limit) wrong.push(`it takes ${b.blocks} blocks, and ${a.blocks} in the source`)
  } finally {
    for (const fd of files) fs.closeSync(fd)
  }
  return wrong
}

function dataExtents(fd: number, sizeBytes: number): { start: number; end: number }[] {
  const extents: { start: number; end: number }[] = []
  for (let at = 0; at < sizeBytes; ) {
    const extent = nextDataExtent(fd, at)
    if (!extent) break
    extents.push(extent)
    at = extent.end
  }
  return extents
}

function isSame([a, b]: [number, number], start: number, end: number): boolean {
  const [mine, its] = [Buffer.alloc(1 << 20), Buffer.alloc(1 << 20)]
  for (let at = start; at < end; at += mine.length) {
    const length = Math.min(mine.length, end - at)
    const lengths = [fs.readSync(a, mine, 0, length, at), fs.readSync(b, its, 0, length, at)]
    if (lengths[0] !== lengths[1] || !mine.subarray(0, lengths[0]).equals(its.subarray(0, lengths[0]))) return false
  }
  return true
}
