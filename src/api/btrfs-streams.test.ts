import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { test } from 'node:test'
import { skipsWithoutRoot } from '../image/nasty-tree.fixture.ts'
import { listRenditions } from '../image/renditions/stored-rendition.ts'
import { smallVersions } from '../image/small-versions.fixture.ts'
import { BtrfsStreams } from './btrfs-streams.ts'
import { JobFailed } from './image-jobs.ts'
import { openImageShelf } from './image-shelf.ts'

test('BtrfsStreams makes a stream once for all who ask, against the newest version that is known here', async (t) => {
  if (skipsWithoutRoot(t)) return
  const { repository, signingKey, put, directory } = await smallVersions(t)
  const images = await openImageShelf({
    ...{ imageDirectory: repository.directory, buildCacheDirectory: join(directory, 'cache'), signingKey },
    versionsInUse: async () => [],
  })
  const streams = new BtrfsStreams(images)
  const large = randomBytes(300_000)
  const first = await put('debian', { large })
  const second = await put('debian', { large, small: 'new' })
  assert.equal(await streams.chooseParent(['f'.repeat(64), first.id]), first.id)
  assert.equal(await streams.chooseParent(['f'.repeat(64)]), undefined)
  // More at once than there may be jobs.
  await Promise.all(Array.from({ length: 8 }, () => streams.ensure(second.id, first.id)))
  await streams.ensure(second.id, undefined)
  await streams.ensure(second.id, undefined)
  assert.deepEqual(await listRenditions(repository, second.id), ['btrfs', `btrfs-from-${first.id}`])
  await assert.rejects(streams.ensure('f'.repeat(64), undefined), (error) => {
    assert.ok(error instanceof JobFailed)
    assert.match(error.problem.detail, /the repository has no such version/)
    return true
  })
})
