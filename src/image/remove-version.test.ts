import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { removeVersion, VersionInUse } from './remove-version.ts'
import { listImages, listVersions } from './repository.ts'
import { smallVersions } from './small-versions.fixture.ts'

test('removeVersion() refuses a tagged version by its tags, unless they go with it', async (t) => {
  const { repository, put } = await smallVersions(t)
  const one = await put('debian', { file: 'one' })
  const two = await put('debian', { file: 'two' })
  await assert.rejects(removeVersion(repository, 'debian', one.id), (error: VersionInUse) => {
    assert.ok(error instanceof VersionInUse)
    assert.deepEqual(error.because, ['tag previous'])
    return true
  })
  await removeVersion(repository, 'debian', one.id, { withTags: true })
  assert.deepEqual(
    (await listVersions(repository)).map(({ id, tags }) => [id, tags]),
    [[two.id, ['current']]],
  )
  await removeVersion(repository, 'debian', two.id, { withTags: true })
  assert.deepEqual(await listImages(repository), [])
  for (const name of ['versions', 'tags', 'staging']) {
    assert.deepEqual(fs.readdirSync(path.join(repository.directory, name)), [], name)
  }
})

test('removeVersion() leaves the version to the other images it belongs to', async (t) => {
  const { repository, put } = await smallVersions(t)
  const { id } = await put('debian', { file: 'one' })
  await put('web', { file: 'one' })
  await removeVersion(repository, 'debian', id, { withTags: true })
  assert.deepEqual(
    (await listVersions(repository)).map((version) => [version.id, version.image]),
    [[id, 'web']],
  )
})
