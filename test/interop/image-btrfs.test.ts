import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { importBtrfs } from '../../src/image/import-btrfs.ts'
import { makeNastyTree } from '../../src/image/nasty-tree.fixture.ts'
import { readTree } from '../../src/image/repository.ts'
import { ImageSetting } from './image/image-setting.ts'
import { needs } from './image/needs.ts'

const required = { root: true, programs: ['btrfs', 'findmnt'] }

test('importBtrfs() takes a subvolume as it is at the moment, and deletes its snapshot', async (t) => {
  if (needs(t, required)) return
  const setting = await ImageSetting.open(t)
  const { repository, options } = setting
  const pool = setting.mountNew('pool', 'btrfs')
  setting.run('btrfs subvolume create pool/source')
  makeNastyTree(setting.path('pool/source'), 21)
  const expected = await setting.idOfDirectory('pool/source')
  let isChanged = false
  const onProgress = () => {
    if (isChanged) return
    isChanged = true
    setting.run('cd pool/source && echo changed > new && rm -r sizes links && chmod 700 . && mv names other')
  }
  const version = await importBtrfs(repository, setting.path('pool/source'), { ...options, onProgress })
  assert.ok(isChanged)
  await setting.assertSameVersion(version.id, expected)
  assert.deepEqual(version.source, { kind: 'btrfs', name: setting.path('pool/source') })
  assert.deepEqual(fs.readdirSync(pool), ['source'])
  setting.assertNothingStaged()

  await t.test('also one that is read-only, and one that is mounted by itself', async () => {
    setting.run('btrfs subvolume snapshot -r pool/source pool/frozen')
    const id = (await importBtrfs(repository, setting.path('pool/frozen'), options)).id
    setting.run('mkdir alone')
    setting.mount('-o loop,subvol=source pool.img alone', 'alone')
    await setting.assertSameVersion((await importBtrfs(repository, setting.path('alone'), options)).id, id)
    assert.deepEqual(fs.readdirSync(pool).sort(), ['frozen', 'source'])
    setting.assertNothingStaged()
  })

  await t.test('without what is in nested subvolumes, which is told', async () => {
    setting.run('cd pool/source && btrfs subvolume create empty && btrfs subvolume create full && echo x > full/file')
    setting.run('chmod 2751 pool/source/full && chown 5:6 pool/source/full && touch -d @1500000000.25 pool/source/full')
    setting.notices.length = 0
    const first = await importBtrfs(repository, setting.path('pool/source'), options)
    const told = setting.notices.filter(({ reason }) => reason.includes('subvolume'))
    assert.deepEqual(
      told.map(({ where }) => where),
      ['/full'],
    )
    const { entries } = await readTree(repository, first.id)
    assert.ok(!entries.some((entry) => entry.path === 'full/file'))
    const full = entries.find((entry) => entry.path === 'full')
    assert.ok(full?.type === 'directory')
    assert.deepEqual([full.mode, full.uid, full.gid, full.mtimeSeconds], [0o2751, 5, 6, 1_500_000_000])
    const again = await importBtrfs(repository, setting.path('pool/source'), options)
    await setting.assertSameVersion(again.id, first.id)
    assert.ok(setting.notices.some(({ where, reason }) => where === '/special/socket' && /socket/.test(reason)))
  })

  await t.test('deletes what a killed import left', async () => {
    const left = `.bootwright-snapshot.${2 ** 22 + 1}.00`
    setting.run(`btrfs subvolume snapshot -r pool/source pool/${left}`)
    await importBtrfs(repository, setting.path('pool/source'), options)
    assert.deepEqual(fs.readdirSync(pool).sort(), ['frozen', 'source'])
  })
})

test('importBtrfs() refuses what is no subvolume, and says what to do', async (t) => {
  if (needs(t, required)) return
  const setting = await ImageSetting.open(t)
  const pool = setting.mountNew('pool', 'btrfs')
  fs.mkdirSync(path.join(pool, 'directory'))
  const importOf = (name: string) => importBtrfs(setting.repository, setting.path(name), setting.options)
  await setting.assertRefused(importOf('pool/directory'), /not the root of a btrfs subvolume; import it as a directory/)
  await setting.assertRefused(importOf('repository'), /not the root of a btrfs subvolume/)
  await setting.assertRefused(importOf('nothing'), /there is no such directory/)
})
