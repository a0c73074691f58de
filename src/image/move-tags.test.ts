import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DecodeError } from '../bytes/decode-error.ts'
import { removeTag, rollback, setTag, TagRefused } from './move-tags.ts'
import { ReferenceUnknown } from './reference.ts'
import { readTags } from './repository.ts'
import { smallVersions } from './small-versions.fixture.ts'

test('setTag() makes and moves a tag; moving current takes previous along', async (t) => {
  const { repository, put } = await smallVersions(t)
  const one = await put('debian', { file: 'one' })
  const two = await put('debian', { file: 'two' })
  assert.deepEqual(await setTag(repository, `debian@${one.id}`, 'stable'), {
    ...{ image: 'debian', tag: 'stable', from: undefined, to: one.id },
  })
  assert.equal((await setTag(repository, 'debian:current', 'stable')).from, one.id)
  await setTag(repository, `debian@${one.id.slice(0, 8)}`, 'current')
  assert.deepEqual(Object.fromEntries(await readTags(repository, 'debian')), {
    ...{ current: one.id, previous: two.id, stable: two.id },
  })
  await assert.rejects(setTag(repository, 'debian:nothing', 'x'), ReferenceUnknown)
  await assert.rejects(setTag(repository, 'debian', '../x'), DecodeError)
})

test('rollback() exchanges current and previous, or goes to a version that is named', async (t) => {
  const { repository, put } = await smallVersions(t)
  const one = await put('debian', { file: 'one' })
  await assert.rejects(rollback(repository, 'debian'), /there is no previous version; name one/)
  const two = await put('debian', { file: 'two' })
  const three = await put('debian', { file: 'three' })
  const tags = async () => Object.fromEntries(await readTags(repository, 'debian'))
  await rollback(repository, 'debian')
  assert.deepEqual(await tags(), { current: two.id, previous: three.id })
  await rollback(repository, 'debian')
  assert.deepEqual(await tags(), { current: three.id, previous: two.id })
  const move = await rollback(repository, 'debian', `debian@${one.id}`)
  assert.deepEqual(move, { image: 'debian', tag: 'current', from: three.id, to: one.id })
  assert.deepEqual(await tags(), { current: one.id, previous: three.id })
  await assert.rejects(rollback(repository, 'debian', `debian@${one.id}`), /it already names/)
  await put('web', { file: 'other' })
  await assert.rejects(rollback(repository, 'debian', 'web'), /of another image/)
})

test('rollback() of many at once leaves two tags that name both versions', async (t) => {
  const { repository, put } = await smallVersions(t)
  const ids = [(await put('debian', { file: 'one' })).id, (await put('debian', { file: 'two' })).id]
  await Promise.all(Array.from({ length: 9 }, () => rollback(repository, 'debian')))
  const tags = await readTags(repository, 'debian')
  assert.deepEqual([tags.get('current'), tags.get('previous')], ids)
})

test('removeTag() removes a tag, but never current', async (t) => {
  const { repository, put } = await smallVersions(t)
  await put('debian', { file: 'one' })
  await setTag(repository, 'debian', 'stable')
  await removeTag(repository, 'debian', 'stable')
  assert.deepEqual([...(await readTags(repository, 'debian')).keys()], ['current'])
  await assert.rejects(removeTag(repository, 'debian', 'stable'), /its tags are current/)
  await assert.rejects(removeTag(repository, 'debian', 'current'), TagRefused)
})
