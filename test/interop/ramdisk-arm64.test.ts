import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { buildRamdisk, defaultCacheDirectory } from '../../src/ramdisk/build-ramdisk.ts'
import { NpmPackageMissing, npmPackage } from '../../src/ramdisk/npm-package.ts'
import { needs } from './image/needs.ts'

const project = resolve(import.meta.dirname, '../..')
const koffi = '@koromix/koffi-linux-arm64'

async function scratch(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-arm64-'))
  t.after(() => rm(directory, { recursive: true }))
  return directory
}

/** e_machine of an ELF file; undefined for anything else. */
async function machineOf(path: string): Promise<number | undefined> {
  await using file = await open(path)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(20), 0, 20, 0)
  return bytesRead === 20 && buffer.readUInt32BE(0) === 0x7f454c46 ? buffer.readUInt16LE(18) : undefined
}

const aarch64 = 183

test('npmPackage() fetches the lock file’s package for another processor, and refuses another hash', async (t) => {
  if (needs(t, { programs: ['npm'] })) return
  const directory = await scratch(t)
  const fetched = await npmPackage({ directory }, project, koffi)
  assert.equal(await machineOf(join(fetched.directory, 'linux_arm64/koffi.node')), aarch64)
  const lock = JSON.parse(await readFile(join(project, 'package-lock.json'), 'utf8'))
  lock.packages[`node_modules/${koffi}`].integrity = lock.packages['node_modules/koffi'].integrity
  const other = await scratch(t)
  await writeFile(join(other, 'package-lock.json'), JSON.stringify(lock))
  await assert.rejects(npmPackage({ directory: other }, other, koffi), NpmPackageMissing)
})

test('buildRamdisk() makes the kernel, every program and every library for arm64, on this machine', async (t) => {
  if (needs(t, { programs: ['npm', 'apt-get', 'dpkg-deb', 'depmod', 'zstd', 'readelf', 'cpio'] })) return
  const directory = await scratch(t)
  const ramdisk = await buildRamdisk({
    architecture: 'arm64',
    cacheDirectory: defaultCacheDirectory(),
    outputDirectory: join(directory, 'out'),
    trust: { imagePublicKeyPem: 'image key', orderPublicKeyPem: 'order key' },
  })
  assert.equal(ramdisk.architecture, 'arm64')
  assert.ok(ramdisk.totalBytes <= 96 * 1024 * 1024, `${ramdisk.totalBytes} bytes`)
  const kernel = await readFile(join(ramdisk.directory, 'vmlinuz'))
  // GRUB starts it as an EFI program; the magic number is that of the kernel's Documentation/arm64/booting
  assert.deepEqual([kernel.toString('latin1', 0, 2), kernel.toString('latin1', 0x38, 0x3c)], ['MZ', 'ARMd'])
  const tree = join(directory, 'tree')
  // zstd complains of the zeros at the end, which the kernel wants
  const unpack =
    'mkdir "$1"; for f in tools agent; do zstd -dcq "$0/$f.cpio.zst" 2>/dev/null | (cd "$1" && cpio -id --quiet); done'
  execFileSync('sh', ['-ec', unpack, ramdisk.directory, tree], { timeout: 120_000 })
  const machines = new Map<string, number>()
  for (const item of await readdir(tree, { recursive: true, withFileTypes: true })) {
    const path = join(item.parentPath, item.name)
    const machine = item.isFile() ? await machineOf(path) : undefined
    if (machine !== undefined) machines.set(path.slice(tree.length + 1), machine)
  }
  for (const path of ['usr/bin/node', 'usr/bin/btrfs', 'usr/lib/ld-linux-aarch64.so.1']) assert.ok(machines.has(path))
  assert.deepEqual(
    [...machines].filter(([, machine]) => machine !== aarch64),
    [],
  )
})
