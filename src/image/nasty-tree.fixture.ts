import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { writePathTimes } from '../linux/file-times.ts'
import { makeSpecialFile } from '../linux/mknod.ts'
import { writeXattr } from '../linux/xattr.ts'
import { chunkBytes } from './tree.ts'

/** A directory that goes when the test ends. */
export function temporaryDirectory(t: Pick<TestContext, 'after'>): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'bootwright-image-'))
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Owners, devices and trusted attributes can only be made by root. True when the test cannot go on. */
export function skipsWithoutRoot(t: TestContext): boolean {
  if (process.geteuid?.() === 0) return false
  if (process.env.REQUIRE_INTEROP === '1') throw new Error('this test needs root')
  t.skip('needs root')
  return true
}

/** Numbers from 0 up to 1 that depend on the seed alone (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Sizes where an off-by-one would show. */
const sizes = [1, 511, 512, 513, chunkBytes - 1, chunkBytes, chunkBytes + 1, chunkBytes * 2, chunkBytes * 3 + 17]

const oddNames: readonly (string | Buffer)[] = [
  'with space',
  'new\nline',
  'tab\tand"quote\\',
  '-rf',
  '…',
  'ünïcödé-é-日本',
  '\u{1f600}\u{10ffff}\uffff',
  'a.b',
  'A',
  '%41',
  Buffer.from('latin1-\xe9\xff', 'latin1'),
  Buffer.from([0xed, 0xb3, 0xa9]), // the UTF-8 form of a surrogate, which is not UTF-8
  Buffer.from([0xc3, 0x28, 0x01, 0x7f]),
  'n'.repeat(255),
]

/** Fills an empty directory with what goes wrong elsewhere. Needs root. */
export function makeNastyTree(directory: string, seed: number): void {
  const random = seededRandom(seed)
  const at = (...names: string[]) => path.join(directory, ...names)
  makeNames(directory)
  makeSizes(at('sizes'), random)
  makeLinks(directory)
  makeSparse(at('sparse'))
  makeSpecials(at('special'))
  makeDeep(directory)
  makeRandom(at('random'), random)
  makeMetadata(directory)
}

function makeNames(directory: string): void {
  fs.mkdirSync(path.join(directory, 'names'))
  for (const name of oddNames) {
    const full = Buffer.concat([Buffer.from(`${directory}/names/`), Buffer.from(name as string)])
    fs.writeFileSync(full, 'odd')
    fs.symlinkSync(Buffer.from(name as string), Buffer.concat([full.subarray(0, full.length - 1), Buffer.from('@')]))
  }
}

function makeSizes(directory: string, random: () => number): void {
  fs.mkdirSync(directory)
  for (const size of sizes) {
    fs.writeFileSync(
      path.join(directory, `size-${size}`),
      Uint8Array.from({ length: size }, () => random() * 256),
    )
  }
  const repeated = Buffer.alloc(chunkBytes, 'the same in every chunk ')
  fs.writeFileSync(path.join(directory, 'repeated'), Buffer.concat([repeated, repeated, repeated]))
  for (let number = 0; number < 40; number++) fs.writeFileSync(path.join(directory, `copy-${number}`), 'copied content')
  fs.writeFileSync(path.join(directory, 'empty'), '')
}

function makeLinks(directory: string): void {
  fs.mkdirSync(path.join(directory, 'links/below'), { recursive: true })
  const at = (name: string) => path.join(directory, 'links', name)
  fs.writeFileSync(at('z-first-made'), 'linked')
  fs.linkSync(at('z-first-made'), at('a-then-linked'))
  fs.linkSync(at('z-first-made'), at('below/elsewhere'))
  fs.linkSync(path.join(directory, `sizes/size-${chunkBytes + 1}`), at('large'))
  fs.writeFileSync(at('empty'), '')
  fs.linkSync(at('empty'), at('empty-too'))
  fs.symlinkSync('../../../../etc/passwd', at('outward'))
  fs.linkSync(at('outward'), at('outward-too'))
  fs.symlinkSync('/', at('root'))
  fs.symlinkSync('nowhere', at('dangling'))
  fs.symlinkSync('t'.repeat(4000), at('long'))
}

function makeSparse(directory: string): void {
  fs.mkdirSync(directory)
  const make = (name: string, sizeBytes: number, data: [number, string][]) => {
    const fd = fs.openSync(path.join(directory, name), 'w')
    fs.ftruncateSync(fd, sizeBytes)
    for (const [offset, text] of data) fs.writeSync(fd, text, offset)
    fs.closeSync(fd)
  }
  make('all-hole', chunkBytes * 5 + 3, [])
  make('small-hole', 5000, [])
  make('middle', chunkBytes * 9, [
    [chunkBytes * 4 - 2, 'across'],
    [chunkBytes * 7, 'x'],
  ])
  make('ends', chunkBytes * 6 + 100, [
    [0, 'start'],
    [chunkBytes * 6 + 96, 'stop'],
  ])
  make('half-block', chunkBytes * 2 + 100_000, [[chunkBytes * 2 + 1, 'tail']])
  make('terabyte', 2 ** 40 + 1, [[2 ** 39, 'in the middle']])
  fs.writeFileSync(path.join(directory, 'written-zeros'), Buffer.alloc(chunkBytes * 3))
}

function makeSpecials(directory: string): void {
  fs.mkdirSync(directory)
  const at = (name: string) => path.join(directory, name)
  makeSpecialFile(at('null'), { kind: 'character-device', mode: 0o666, major: 1, minor: 3 })
  makeSpecialFile(at('big-minor'), { kind: 'block-device', mode: 0o660, major: 259, minor: 300_000 })
  makeSpecialFile(at('fifo'), { kind: 'fifo', mode: 0o600 })
  fs.linkSync(at('fifo'), at('fifo-too'))
  makeSpecialFile(at('socket'), { kind: 'socket', mode: 0o600 })
}

function makeDeep(directory: string): void {
  const deep = path.join(directory, 'deep', ...Array.from({ length: 60 }, (_, level) => `${level}-${'d'.repeat(40)}`))
  fs.mkdirSync(deep, { recursive: true })
  fs.writeFileSync(path.join(deep, 'at the end'), 'deep')
}

function makeRandom(directory: string, random: () => number): void {
  fs.mkdirSync(directory)
  const directories = [directory]
  for (let number = 0; number < 120; number++) {
    const parent = directories[Math.floor(random() * directories.length)]!
    const full = path.join(parent, Math.floor(random() * 36 ** 4).toString(36) + number)
    if (random() < 0.25) {
      fs.mkdirSync(full)
      directories.push(full)
    } else {
      const size = Math.floor(random() ** 6 * 900_000)
      const isZero = random() < 0.2
      fs.writeFileSync(
        full,
        Uint8Array.from({ length: size }, () => (isZero ? 0 : random() * 4)),
      )
    }
  }
}

/** Last, because what is made in a directory changes its time. */
function makeMetadata(directory: string): void {
  const at = (name: string) => path.join(directory, name)
  fs.mkdirSync(at('metadata'))
  const file = (name: string) => {
    fs.writeFileSync(at(`metadata/${name}`), name)
    return at(`metadata/${name}`)
  }
  const setuid = file('setuid')
  fs.chownSync(setuid, 1234, 4_000_000_000)
  fs.chmodSync(setuid, 0o6755)
  fs.chmodSync(file('closed'), 0)
  fs.mkdirSync(at('metadata/sticky'))
  fs.chownSync(at('metadata/sticky'), 33, 44)
  fs.chmodSync(at('metadata/sticky'), 0o3777)
  fs.mkdirSync(at('metadata/read-only'))
  fs.writeFileSync(at('metadata/read-only/inside'), '')
  fs.chmodSync(at('metadata/read-only'), 0o500)
  writeXattr(file('xattrs'), 'user.empty', new Uint8Array(0))
  writeXattr(
    at('metadata/xattrs'),
    'user.binary',
    Uint8Array.from({ length: 256 }, (_, byte) => byte),
  )
  writeXattr(at('metadata/xattrs'), 'trusted.overlay.opaque', Buffer.from('y'))
  execFileSync('setcap', ['cap_net_raw+ep', file('capability')])
  fs.chownSync(file('acl'), 5, 6)
  execFileSync('setfacl', ['-m', 'u:1000:rwx,g:7:r,m:rx', at('metadata/acl')])
  execFileSync('setfacl', ['-d', '-m', 'g:1000:rwx', at('metadata/sticky')])
  fs.symlinkSync('xattrs', at('metadata/owned-link'))
  fs.lchownSync(at('metadata/owned-link'), 77, 88)
  writePathTimes(at('metadata/owned-link'), 1, 999_999_999)
  writePathTimes(file('before-the-epoch'), -2, 5)
  writePathTimes(file('after-2038'), 5_000_000_000, 1)
  writePathTimes(at('metadata/sticky'), 1_600_000_000, 123_456_789)
  writePathTimes(directory, 1_500_000_000, 987_654_321)
}

/** What programs that are not ours see: names, types, modes, owners, times, targets, links, attributes and contents. */
export function describeWithTools(directory: string): string {
  const run = (script: string) =>
    execFileSync('bash', ['-euo', 'pipefail', '-c', script], { cwd: directory, maxBuffer: 1 << 28 }).toString('latin1')
  return [
    run("find . ! -type s -printf '%y %m %U %G %T@ %n %P -> %l\\0' | LC_ALL=C sort -z | tr '\\0' '\\n'"),
    run("find . -type f -printf '%s %P\\0' | LC_ALL=C sort -z | tr '\\0' '\\n'"),
    run("find . \\( -type c -o -type b \\) -print0 | LC_ALL=C sort -z | xargs -0r stat -c '%t:%T %n'"),
    run('find . ! -type s -print0 | LC_ALL=C sort -z | xargs -0 getfattr -dhm - -e hex'),
    run('find . -type f -size -1G -print0 | LC_ALL=C sort -z | xargs -0 sha256sum -z | tr "\\0" "\\n"'),
  ].join('\n')
}
