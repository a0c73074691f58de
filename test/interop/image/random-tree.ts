import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { writePathTimes } from '../../../src/linux/file-times.ts'
import { makeSpecialFile } from '../../../src/linux/mknod.ts'
import { writeXattr } from '../../../src/linux/xattr.ts'

/*
 * A generator of nasty trees, another for each seed. Only what ext4, btrfs and XFS can all hold: times inside ext4's from
 * 1901 to 2446 (at the very ends the kernel drops the nanoseconds), attributes of one file together below a block, device
 * numbers of 9 and 18 bits and symlinks below 1024 bytes (XFS).
 */

const firstSecond = -(2 ** 31) + 1
const lastSecond = 15_032_385_534
const blockBytes = 256 * 1024

type Random = () => number

export class RandomTree {
  readonly #root: Buffer
  readonly #random: Random
  readonly directories: Buffer[] = [Buffer.alloc(0)]
  /** What is no directory and has no second name of another type's. */
  readonly members: Buffer[] = []
  readonly sockets: Buffer[] = []

  constructor(root: string, random: Random) {
    this.#root = Buffer.from(root)
    this.#random = random
  }

  /** Fills the directory, which must be empty. */
  fill(entries: number): void {
    for (let number = 0; number < entries; number++) this.#addEntry(number)
    for (const name of this.members) if (this.#chance(0.35)) this.#decorate(name, false)
    // From the deepest up: what is made in a directory changes its time.
    for (const name of this.directories.toReversed()) this.#decorate(name, true)
  }

  full(name: Buffer): Buffer {
    return name.length === 0 ? this.#root : Buffer.concat([this.#root, Buffer.from('/'), name])
  }

  #addEntry(number: number): void {
    const name = this.#newName(number)
    const full = this.full(name)
    const kind = this.#random()
    if (kind < 0.16) {
      fs.mkdirSync(full)
      this.directories.push(name)
      return
    }
    if (kind < 0.5) this.#writeFile(full)
    else if (kind < 0.62) this.#writeSparse(full)
    else if (kind < 0.74) fs.symlinkSync(this.#linkTarget(), full)
    else if (kind < 0.88 && this.members.length > 0) fs.linkSync(this.full(this.#pick(this.members)), full)
    else if (kind < 0.91) makeSpecialFile(full, { kind: 'fifo', mode: 0o644 })
    else if (kind < 0.93) {
      makeSpecialFile(full, { kind: 'socket', mode: 0o600 })
      this.sockets.push(name)
      return
    } else {
      const device = { major: this.#below(512), minor: this.#below(2 ** 18), mode: 0o600 }
      makeSpecialFile(full, { kind: this.#chance(0.5) ? 'character-device' : 'block-device', ...device })
    }
    this.members.push(name)
  }

  #newName(number: number): Buffer {
    const forms: (() => Buffer)[] = [
      () => Buffer.from(`file${number}`),
      () => Buffer.from(`-${number} --rf *?[x]`),
      () => Buffer.from(`new\nline\t${number}\u0001\u007f`),
      () => Buffer.from(`caf\u00e9${number}`.normalize(this.#chance(0.5) ? 'NFC' : 'NFD')),
      () => Buffer.concat([Buffer.from(`${number}`), this.#bytes(1 + this.#below(12))]),
      () => Buffer.from(`${number}\u{1f4be}日本語`),
      () => Buffer.from(`${number}`.padEnd(255, 'x')),
      () => Buffer.concat([Buffer.from(`${number}`), Buffer.from('é'.repeat(120))]),
      () => Buffer.from(` ${number} \\"'$(x)\``),
      () => Buffer.from(`.wh.${number}`),
    ]
    const parent = this.#pick(this.directories)
    const name = this.#pick(forms)()
    // Paths have room for the directory that all is under.
    const isDeep = parent.length + name.length > 3000
    return isDeep || parent.length === 0 ? name : Buffer.concat([parent, Buffer.from('/'), name])
  }

  /** Any bytes that a name may hold. */
  #bytes(count: number): Buffer {
    return Buffer.from(
      Array.from({ length: count }, () => [1 + this.#below(46), 48 + this.#below(208)][this.#below(2)]!),
    )
  }

  #writeFile(full: Buffer): void {
    const sizes = [0, 1, this.#below(5000), blockBytes - 1, blockBytes, blockBytes + 1, this.#below(900_000)]
    const bytes = Buffer.alloc(this.#pick(sizes))
    const isText = this.#chance(0.5)
    for (let at = 0; at < bytes.length; at++) bytes[at] = isText ? 97 + (at % 23) : this.#below(256)
    fs.writeFileSync(full, bytes)
  }

  /** Holes at the start, in the middle and at the end, and files that are nothing else. */
  #writeSparse(full: Buffer): void {
    const sizeBytes = this.#pick([4096, blockBytes * 3, blockBytes * 8 + 77, 2 ** 26 + 5])
    const fd = fs.openSync(full, 'w')
    fs.ftruncateSync(fd, sizeBytes)
    for (let left = this.#below(4); left > 0; left--) {
      const at = Math.floor(this.#random() * sizeBytes)
      fs.writeSync(fd, this.#bytes(1 + this.#below(3000)).subarray(0, sizeBytes - at), 0, undefined, at)
    }
    if (this.#chance(0.3)) fs.writeSync(fd, Buffer.alloc(Math.min(sizeBytes, 8192)), 0, undefined, 0)
    fs.closeSync(fd)
  }

  #linkTarget(): Buffer {
    const targets = ['nowhere', '/', '/etc/passwd', '../..', 'a/'.repeat(500), 'x'.repeat(1000), '.', 'new\nline']
    return this.#chance(0.2) ? this.#bytes(30) : Buffer.from(this.#pick(targets))
  }

  #decorate(name: Buffer, isDirectory: boolean): void {
    const full = this.full(name)
    const stats = fs.lstatSync(full)
    if (this.#chance(0.7)) fs.lchownSync(full, this.#id(), this.#id())
    if (!stats.isSymbolicLink()) {
      fs.chmodSync(full, this.#pick([0, 0o7777, 0o4755, 0o2755, 0o1777, 0o600, this.#below(0o10000)]))
      if (stats.isFile() || isDirectory) this.#addAttributes(full, stats)
    } else if (this.#chance(0.5)) writeXattr(full, 'trusted.of-a-link', this.#bytes(20))
    const seconds = this.#pick([
      firstSecond,
      lastSecond,
      0,
      -1,
      1_700_000_000,
      Math.floor(firstSecond + this.#random() * (lastSecond - firstSecond)),
    ])
    writePathTimes(full, seconds, this.#pick([0, 1, 999_999_999, this.#below(1e9)]))
  }

  #addAttributes(full: Buffer, stats: fs.Stats): void {
    if (this.#chance(0.5)) writeXattr(full, `user.${'n'.repeat(this.#below(100))}x`, this.#bytes(1 + this.#below(500)))
    if (this.#chance(0.3)) writeXattr(full, 'user.empty', new Uint8Array(0))
    if (this.#chance(0.3)) writeXattr(full, 'trusted.overlay.opaque', Buffer.from('y'))
    if (this.#chance(0.2)) writeXattr(full, Buffer.from('user.\xc3\xa9\xff\xfe', 'latin1'), Buffer.from('odd name'))
    const path = full.toString('latin1')
    // Programs take names that are text only.
    if (!/^[\x20-\x7e]+$/.test(path)) return
    if (stats.isFile() && this.#chance(0.3)) execFileSync('setcap', ['cap_net_raw,cap_sys_admin+ep', path])
    if (this.#chance(0.4)) execFileSync('setfacl', ['-m', `u:${this.#id()}:rwx,g:${this.#id()}:r,m:rx`, '--', path])
    if (stats.isDirectory() && this.#chance(0.4))
      execFileSync('setfacl', ['-d', '-m', `u:${this.#id()}:rx`, '--', path])
  }

  #id(): number {
    return this.#pick([0, 1000, 65_534, 2 ** 31, 4_294_967_293, this.#below(100_000)])
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  #chance(probability: number): boolean {
    return this.#random() < probability
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[this.#below(items.length)]!
  }
}
