import { execFileSync } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { InsideRoot, UnusablePath } from './inside-root.ts'

/** A tree in `root`, and a directory beside it that nothing may touch. */
function trap(t: TestContext) {
  const base = mkdtempSync(join(tmpdir(), 'inside-root-'))
  t.after(() => rmSync(base, { recursive: true }))
  const tree = join(base, 'root')
  const outside = join(base, 'outside')
  mkdirSync(join(tree, 'etc'), { recursive: true })
  mkdirSync(outside)
  writeFileSync(join(outside, 'victim'), 'untouched')
  return {
    tree,
    outside,
    root: new InsideRoot(tree),
    intact: () =>
      readdirSync(outside).join() === 'victim' && readFileSync(join(outside, 'victim'), 'utf8') === 'untouched',
  }
}

test('InsideRoot.writeText() replaces a link to a file outside', (t) => {
  const { tree, outside, root, intact } = trap(t)
  symlinkSync(join(outside, 'victim'), join(tree, 'etc/hostname'))
  root.writeText('/etc/hostname', 'm1\n')
  t.assert.equal(intact(), true)
  t.assert.equal(lstatSync(join(tree, 'etc/hostname')).isFile(), true)
  t.assert.equal(readFileSync(join(tree, 'etc/hostname'), 'utf8'), 'm1\n')
})

test('InsideRoot.writeText() resolves a directory link that climbs out inside the root', (t) => {
  const { tree, outside, root, intact } = trap(t)
  symlinkSync(`../../../../../../..${outside}`, join(tree, 'etc/ssh'))
  root.writeText('/etc/ssh/victim', 'x')
  t.assert.equal(intact(), true)
  t.assert.equal(readFileSync(join(tree, outside, 'victim'), 'utf8'), 'x')
})

test('InsideRoot.writeText() resolves an absolute directory link inside the root', (t) => {
  const { tree, outside, root, intact } = trap(t)
  symlinkSync(outside, join(tree, 'etc/systemd'))
  root.writeText('/etc/systemd/network/victim', 'x')
  t.assert.equal(intact(), true)
  t.assert.equal(existsSync(join(tree, outside, 'network/victim')), true)
})

test('InsideRoot follows links as chroot does', (t) => {
  const { tree, root } = trap(t)
  mkdirSync(join(tree, 'usr/lib'), { recursive: true })
  symlinkSync('usr/lib', join(tree, 'lib'))
  symlinkSync('/lib/../lib/os-release', join(tree, 'etc/os-release'))
  writeFileSync(join(tree, 'usr/lib/os-release'), 'ID=debian\n')
  t.assert.equal(root.readText('/etc/os-release'), 'ID=debian\n')
  t.assert.equal(root.readText('/etc/../../../etc/os-release'), 'ID=debian\n')
})

test('InsideRoot.readText() does not read a file outside through a link', (t) => {
  const { tree, outside, root } = trap(t)
  symlinkSync(join(outside, 'victim'), join(tree, 'etc/fstab'))
  t.assert.equal(root.readText('/etc/fstab'), undefined)
})

test('InsideRoot refuses links in a circle', (t) => {
  const { tree, root } = trap(t)
  symlinkSync('b', join(tree, 'a'))
  symlinkSync('a', join(tree, 'b'))
  t.assert.throws(() => root.readText('/a/x'), UnusablePath)
  t.assert.throws(() => root.writeText('/a/x', ''), UnusablePath)
})

test('InsideRoot.readText() refuses a FIFO instead of waiting for a writer', (t) => {
  const { tree, root } = trap(t)
  execFileSync('mkfifo', [join(tree, 'etc/fstab')])
  t.assert.throws(() => root.readText('/etc/fstab'), UnusablePath)
})

test('InsideRoot.readText() refuses a file that is too long to be a configuration', (t) => {
  const { tree, root } = trap(t)
  writeFileSync(join(tree, 'etc/hosts'), Buffer.alloc((1 << 20) + 1))
  t.assert.throws(() => root.readText('/etc/hosts'), /longer than 1 MiB/)
})

test('InsideRoot.makeDirectory() refuses a file in the way', (t) => {
  const { tree, root } = trap(t)
  writeFileSync(join(tree, 'etc/ssh'), '')
  t.assert.throws(() => root.writeText('/etc/ssh/key', ''), /\/etc\/ssh is not a directory/)
})

test('InsideRoot.makeDirectory() makes the missing target of a dangling link inside the root', (t) => {
  const { tree, outside, root, intact } = trap(t)
  symlinkSync(`${outside}/new`, join(tree, 'boot'))
  const real = root.makeDirectory('/boot/efi')
  t.assert.equal(real, join(tree, outside, 'new/efi'))
  t.assert.equal(intact(), true)
})

test('InsideRoot.remove() removes the link and not its target', (t) => {
  const { tree, outside, root, intact } = trap(t)
  symlinkSync(join(outside, 'victim'), join(tree, 'etc/key'))
  root.remove('/etc/key')
  root.remove('/etc/absent')
  t.assert.equal(intact(), true)
  t.assert.deepEqual(readdirSync(join(tree, 'etc')), [])
})

test('InsideRoot.link() replaces what was there and keeps the target as written', (t) => {
  const { tree, root } = trap(t)
  root.writeText('/etc/unit', 'x')
  root.link('/etc/unit', '/lib/systemd/system/unit')
  t.assert.equal(readlinkSync(join(tree, 'etc/unit')), '/lib/systemd/system/unit')
})

test('InsideRoot.writeText() sets the mode and refuses names that are none', (t) => {
  const { tree, root } = trap(t)
  root.writeText('/var/lib/token', 's', 0o600)
  t.assert.equal(lstatSync(join(tree, 'var/lib/token')).mode & 0o777, 0o600)
  for (const path of ['', '/', '/etc/..', '/etc/.']) t.assert.throws(() => root.writeText(path, ''), UnusablePath)
})
