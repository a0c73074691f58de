import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { makeSpecialFile } from '../../../src/linux/mknod.ts'
import { listXattrs, removeXattr, writeXattr } from '../../../src/linux/xattr.ts'

type Random = () => number
type Change = (full: Buffer, stats: fs.Stats) => void

/** What becomes of a machine's files in use: changed, added and deleted ones, of all kinds, another for each seed. */
export class RandomDrift {
  readonly #root: string
  readonly #outside: string
  readonly #random: Random

  /** Links that lead out of the root lead to `outside`. */
  constructor(root: string, outside: string, random: Random) {
    this.#root = root
    this.#outside = outside
    this.#random = random
  }

  /** Of every path, the share `rate` is changed. */
  drift(rate: number): void {
    // From the deepest up: what is changed is never reached through what was changed before.
    for (const full of this.#paths().toReversed()) {
      const stats = fs.lstatSync(full, { throwIfNoEntry: false })
      if (!stats || this.#random() >= rate) continue
      this.#pick(this.#changesOf(stats))(full, stats)
    }
  }

  /** Makes files and directories immutable, of those that have a text for a name, because programs take nothing else. */
  protect(rate: number): void {
    for (const full of this.#paths()) {
      const [stats, path] = [fs.lstatSync(full), full.toString('latin1')]
      const isChosen = (stats.isFile() || stats.isDirectory()) && this.#random() < rate
      if (isChosen && /^[\x20-\x7e]+$/.test(path)) execFileSync('chattr', ['+i', '--', path])
    }
  }

  #paths(): Buffer[] {
    const found: Buffer[] = []
    const waiting = [Buffer.from(this.#root)]
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      for (const name of fs.readdirSync(next, { encoding: 'buffer' })) {
        const full = Buffer.concat([next, Buffer.from('/'), name])
        if (full.equals(Buffer.from(`${this.#root}/lost+found`))) continue
        found.push(full)
        if (fs.lstatSync(full).isDirectory()) waiting.push(full)
      }
    }
    return found
  }

  #changesOf(stats: fs.Stats): Change[] {
    const any: Change[] = [
      (full) => fs.rmSync(full, { recursive: true }),
      (full) => fs.lchownSync(full, 12, 345_678),
      (full) => fs.lutimesSync(full, 1, 2),
      (full) => this.#replace(full, () => fs.symlinkSync(this.#outside, full)),
      (full) => this.#replace(full, () => makeSpecialFile(full, { kind: 'fifo', mode: 0o600 })),
      (full) => this.#replace(full, () => makeSpecialFile(full, { kind: 'socket', mode: 0o600 })),
      (full) => this.#replace(full, () => fs.writeFileSync(full, 'something else')),
      (full) => this.#replace(full, () => this.#makeDirectory(full)),
      (full) => this.#renameBeside(full),
      (full) => this.#linkBeside(full),
    ]
    if (stats.isSymbolicLink()) return any
    any.push(
      (full) => fs.chmodSync(full, Math.floor(this.#random() * 0o10000)),
      (full) => this.#changeAttributes(full),
    )
    if (stats.isDirectory()) return [...any, (full) => this.#addInside(full)]
    if (!stats.isFile()) return any
    return [
      ...any,
      (full) => this.#changeByte(full, stats),
      (full) => this.#changeByte(full, stats),
      (full) => fs.appendFileSync(full, Buffer.alloc(1 + Math.floor(this.#random() * 10_000), 'more')),
      (full) => fs.truncateSync(full, Math.floor(this.#random() * stats.size)),
    ]
  }

  #replace(full: Buffer, make: () => void): void {
    fs.rmSync(full, { recursive: true })
    make()
  }

  #makeDirectory(full: Buffer): void {
    fs.mkdirSync(full)
    this.#addInside(full)
  }

  #addInside(full: Buffer): void {
    const inside = (name: string) => Buffer.concat([full, Buffer.from(`/${name}`, 'latin1')])
    fs.writeFileSync(inside(`added-${this.#number()}\xff`), 'an added file')
    const directory = inside(`added-${this.#number()}`)
    fs.mkdirSync(directory)
    fs.symlinkSync(this.#outside, Buffer.concat([directory, Buffer.from('/outward')]))
    makeSpecialFile(Buffer.concat([directory, Buffer.from('/socket')]), { kind: 'socket', mode: 0o600 })
  }

  #renameBeside(full: Buffer): void {
    fs.renameSync(full, Buffer.concat([Buffer.from(`${this.#root}/moved-${this.#number()}`)]))
  }

  /** Another name for it, which may be that of another file of the tree. */
  #linkBeside(full: Buffer): void {
    if (fs.lstatSync(full).isDirectory()) return
    const others = this.#paths().filter((other) => fs.lstatSync(other).isFile() && !other.equals(full))
    const target = this.#random() < 0.5 ? this.#pick(others) : Buffer.from(`${this.#root}/linked-${this.#number()}`)
    fs.rmSync(target, { force: true })
    fs.linkSync(full, target)
  }

  #changeByte(full: Buffer, stats: fs.Stats): void {
    if (stats.size === 0) return
    const fd = fs.openSync(full, 'r+')
    fs.writeSync(fd, Buffer.of(Math.floor(this.#random() * 256)), 0, 1, Math.floor(this.#random() * stats.size))
    fs.closeSync(fd)
    if (this.#random() < 0.5) fs.utimesSync(full, stats.atime, stats.mtime)
  }

  #changeAttributes(full: Buffer): void {
    for (const name of listXattrs(full)) if (this.#random() < 0.5) removeXattr(full, name)
    writeXattr(full, 'trusted.drifted', Buffer.from('yes'))
  }

  #number(): number {
    return Math.floor(this.#random() * 1e9)
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.#random() * items.length)]!
  }
}
