import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { BuildCache } from './build-cache.ts'

async function cacheIn(t: TestContext): Promise<BuildCache> {
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-test-'))
  t.after(() => rm(directory, { recursive: true }))
  const cache = new BuildCache(directory)
  await cache.open()
  return cache
}

/** `digit` makes the hash; the archive's text is as long as the result says. */
async function put(cache: BuildCache, digit: string, sourceDateEpochSeconds: number) {
  const work = join(cache.directory, 'root.tar')
  await writeFile(work, 'archive')
  return cache.put(work, {
    tarSha256: digit.repeat(64),
    sizeBytes: 7,
    recipeName: 'x',
    recipeHash: digit.repeat(64),
    inputsHash: 'inputs',
    sourceDateEpochSeconds,
    packages: [],
  })
}

test('BuildCache.find() gives back what was put, and its archive is for its owner only', async (t) => {
  const cache = await cacheIn(t)
  const built = await put(cache, 'a', 1)
  assert.deepEqual(await cache.find('a'.repeat(64)), built)
  assert.equal((await stat(built.tarPath)).mode & 0o777, 0o600)
  assert.equal(await cache.find('b'.repeat(64)), undefined)
})

test('BuildCache.find() does not believe in an archive that was cut', async (t) => {
  const cache = await cacheIn(t)
  const { tarPath } = await put(cache, 'a', 1)
  await truncate(tarPath, 3)
  assert.equal(await cache.find('a'.repeat(64)), undefined)
})

test('BuildCache.findNewest() takes the latest packages of the same inputs', async (t) => {
  const cache = await cacheIn(t)
  await put(cache, 'a', 20)
  await put(cache, 'b', 10)
  assert.equal((await cache.findNewest('inputs'))?.recipeHash, 'a'.repeat(64))
  assert.equal(await cache.findNewest('others'), undefined)
})

test('BuildCache.put() keeps the three builds that were used last', async (t) => {
  const cache = await cacheIn(t)
  for (const [index, digit] of ['a', 'b', 'c'].entries()) {
    await put(cache, digit, index)
    const used = new Date(2020, 0, index + 1)
    await utimes(join(cache.directory, `${digit.repeat(64)}.json`), used, used)
  }
  await put(cache, 'd', 4)
  const kept = (await readdir(cache.directory)).map((name) => `${name[0]}${name.slice(64)}`).sort()
  assert.deepEqual(kept, ['b.json', 'b.tar', 'c.json', 'c.tar', 'd.json', 'd.tar'])
})
