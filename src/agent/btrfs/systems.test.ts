import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { skipsWithoutRoot } from '../../image/nasty-tree.fixture.ts'
import type { RootFilesystem } from '../disk/filesystems.ts'
import type { PreparedDisk } from '../prepare-disk.ts'
import { readKeptVersions } from './kept-versions.ts'
import { ensureGrubSubvolume, SystemCannotBoot, writePoolMenu } from './pool-menu.ts'
import { systemPath, versionSubvolume } from './pool-places.ts'
import { PoolSetting } from './pool-setting.fixture.ts'
import { chooseSystems, finishSystem, makeSystem, readSystems, removeOthers, type System } from './systems.ts'

function system(id: string, version: string, deployedAt: number): System {
  return { id, version, deployedAt, image: 'debian', title: 'Debian', kernelArguments: ['quiet'] }
}

const systems = [system('d4', 'c', 4), system('d3', 'b', 3), system('d2', 'b', 2), system('d1', 'a', 1)]
const ids = (chosen: readonly System[]) => chosen.map(({ id }) => id)

test('chooseSystems() keeps the newest system of each of the newest versions', () => {
  assert.deepEqual(ids(chooseSystems(systems, 'd4', 2)), ['d4', 'd3'])
  assert.deepEqual(ids(chooseSystems(systems, 'd4', 9)), ['d4', 'd3', 'd1'])
})

test('chooseSystems() keeps the one that is booted, however old it is', () => {
  assert.deepEqual(ids(chooseSystems(systems, 'd1', 1)), ['d1'])
  assert.deepEqual(ids(chooseSystems(systems, 'd2', 2)), ['d4', 'd2'])
})

const root = { uuid: '1111-2222', partitionGuid: 'AAAA-BBBB', type: 'btrfs' } as RootFilesystem
const partition = { number: 3, content: 'received', signature: { type: 'btrfs', uuid: '1111-2222' } }
const prepared = { filesystems: { root }, plan: { untouched: [], partitions: [partition] } } as unknown as PreparedDisk

/** Deploys what the source has now, as far as the pool is concerned. */
async function deploy(setting: PoolSetting, id: string, deployedAt: number): Promise<System> {
  const version = (await setting.importVersion()).id
  await setting.obtain(version)
  await makeSystem(setting.pool, id, version)
  const made = { ...system(id, version, deployedAt), title: `Debian ${id}` }
  await finishSystem(setting.pool, made)
  return made
}

test('systems are writable, stand in the menu newest first, and go when they are not kept', async (t) => {
  if (skipsWithoutRoot(t)) return
  await using setting = await PoolSetting.open(t)
  const { pool, source } = setting
  const boot = (name: string) => fs.writeFileSync(path.join(source, 'boot', name), name)
  fs.mkdirSync(path.join(source, 'boot'))
  boot('vmlinuz-6.1')
  boot('initrd.img-6.1')
  const first = await deploy(setting, 'd1', Date.parse('2026-01-01'))
  boot('vmlinuz-6.2')
  const second = await deploy(setting, 'd2', Date.parse('2026-02-01'))
  // A kernel that the deployed system got by itself, and subvolumes that were made in it, one in the other.
  const firstRoot = path.join(pool, systemPath('d1'))
  fs.writeFileSync(path.join(firstRoot, 'boot/vmlinuz-6.3'), 'a kernel')
  execFileSync('btrfs', ['subvolume', 'create', path.join(firstRoot, 'machines')])
  execFileSync('btrfs', ['subvolume', 'create', path.join(firstRoot, 'machines/ID 256 gen 1\nID 257 gen 1')])

  await t.test('in the menu', async () => {
    await ensureGrubSubvolume(pool)
    const found = await readSystems(pool)
    assert.deepEqual(found, [second, first])
    assert.equal(writePoolMenu(pool, prepared, second, found).kernel, 'vmlinuz-6.2')
    const file = (name: string) => fs.readFileSync(path.join(pool, 'bootwright/grub', name), 'utf8')
    assert.match(file('grub.cfg'), /menuentry 'Debian d2, debian \w{12} of 2026-02-01'/)
    assert.match(file('grub.cfg'), /linux \/bootwright\/systems\/d2\/root\/boot\/vmlinuz-6\.2 root=PARTUUID=/)
    assert.match(
      file('grub.cfg'),
      /rootflags=subvol=bootwright\/systems\/d2\/root quiet\n}\nsource \$prefix\/custom\.cfg/,
    )
    assert.match(file('custom.cfg'), /linux \/bootwright\/systems\/d1\/root\/boot\/vmlinuz-6\.3/)
    assert.match(file('custom.cfg'), /configfile \(\$other\)\/@\/boot\/grub\/grub\.cfg/, 'a system beside ours')
    writePoolMenu(pool, prepared, first, found)
    assert.match(file('grub.cfg'), /systems\/d1\/root\/boot\/vmlinuz-6\.3/)
    assert.match(file('custom.cfg'), /systems\/d2\/root\/boot\/vmlinuz-6\.2/)
  })
  await t.test('one that has lost its kernels cannot be booted, and is left out where it is not', async () => {
    fs.rmSync(path.join(pool, systemPath('d2'), 'boot'), { recursive: true })
    assert.throws(() => writePoolMenu(pool, prepared, second, [second, first]), SystemCannotBoot)
    writePoolMenu(pool, prepared, first, [second, first])
  })
  await t.test('what a deployment left unfinished is removed by the next', async () => {
    await makeSystem(pool, 'half', second.version)
    assert.deepEqual(await readSystems(pool), [second, first])
    await makeSystem(pool, 'd3', second.version)
    assert.deepEqual(fs.readdirSync(path.join(pool, 'bootwright/systems')).sort(), ['d1', 'd2', 'd3'])
  })
  await t.test('removed with the subvolumes that were made in it, and with its version', async () => {
    assert.deepEqual(await removeOthers(pool, [second]), [first.version])
    assert.deepEqual(await readSystems(pool), [second])
    assert.deepEqual(
      (await readKeptVersions(pool)).intact.map(({ version }) => version),
      [second.version],
    )
    assert.ok(fs.existsSync(versionSubvolume(pool, second.version)))
    assert.deepEqual(fs.readdirSync(path.join(pool, 'bootwright/work')), [])
  })
})
