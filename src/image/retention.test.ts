import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { DecodeError } from '../bytes/decode-error.ts'
import type { Version } from './repository.ts'
import { decideRetention, readRetention, writeRetention } from './retention.ts'
import { smallVersions } from './small-versions.fixture.ts'

const version = (id: string, createdAt: number, tags: string[] = []): Version => ({
  ...{ id, image: 'debian', createdAt, entries: 1, sizeBytes: 0, storedBytes: 0, tags },
})
const versions = [version('d', 4, ['current']), version('c', 3), version('b', 2, ['gold']), version('a', 1)]
const kept = (verdicts: ReturnType<typeof decideRetention>) =>
  verdicts.filter(({ because }) => because.length > 0).map(({ version, because }) => [version.id, ...because])

test('decideRetention() keeps all without a policy', () => {
  assert.equal(kept(decideRetention(versions, undefined, [])).length, 4)
})

test('decideRetention() keeps the newest, the tagged and the deployed, and says why', () => {
  const inUse = [{ version: 'a', why: 'machine rack-1: proved' }]
  assert.deepEqual(kept(decideRetention(versions, { keepNewest: 1 }, inUse)), [
    ['d', 'newest 1', 'tag current'],
    ['b', 'tag gold'],
    ['a', 'machine rack-1: proved'],
  ])
  assert.deepEqual(kept(decideRetention(versions, { keepNewest: 2 }, [])), [
    ['d', 'newest 2', 'tag current'],
    ['c', 'newest 2'],
    ['b', 'tag gold'],
  ])
})

test('readRetention() gives what writeRetention() wrote, nothing where there is none, and refuses nonsense', async (t) => {
  const { repository } = await smallVersions(t)
  assert.equal(await readRetention(repository, 'debian'), undefined)
  await writeRetention(repository, 'debian', { keepNewest: 7 })
  assert.deepEqual(await readRetention(repository, 'debian'), { keepNewest: 7 })
  for (const nonsense of ['{', '{}', '{"keepNewest":0}', '7']) {
    fs.writeFileSync(path.join(repository.directory, 'retention/debian'), nonsense)
    await assert.rejects(readRetention(repository, 'debian'), DecodeError)
  }
})
