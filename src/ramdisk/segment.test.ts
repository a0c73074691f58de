import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import { makeSegment, type SegmentRecipe } from './segment.ts'

async function emptyCache(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-segment-'))
  t.after(() => rm(directory, { recursive: true }))
  return directory
}

function recipeOf(content: string, compress: number | false): SegmentRecipe & { made: number } {
  const recipe = {
    name: 'some',
    inputs: content,
    compress,
    made: 0,
    entries: async () => {
      recipe.made += 1
      const bytes = Buffer.from(content)
      return [{ entry: { kind: 'bytes' as const, path: 'etc/some', mode: 0o644, bytes }, of: 'things' }]
    },
  }
  return recipe
}

const quiet = () => {}

test('makeSegment() packs equal inputs once and gives equal bytes from another cache', async (t) => {
  const [one, two] = [await emptyCache(t), await emptyCache(t)]
  const recipe = recipeOf('hello', 19)
  const first = await makeSegment({ directory: one }, recipe, quiet)
  assert.deepStrictEqual(await makeSegment({ directory: one }, recipe, quiet), first)
  assert.strictEqual(recipe.made, 1)
  const elsewhere = await makeSegment({ directory: two }, recipe, quiet)
  assert.deepStrictEqual(await readFile(elsewhere.path), await readFile(first.path))
  assert.deepStrictEqual(first.shares, [{ of: 'things', files: 1, bytes: 5 }])
})

test('makeSegment() packs again when the cached file is not whole', async (t) => {
  const directory = await emptyCache(t)
  const recipe = recipeOf('hello', false)
  const { path } = await makeSegment({ directory }, recipe, quiet)
  const whole = await readFile(path)
  await truncate(path, 8)
  await makeSegment({ directory }, recipe, quiet)
  assert.deepStrictEqual(await readFile(path), whole)
})

test('makeSegment() makes archives whose length is a multiple of four, so that they can be joined', async (t) => {
  const directory = await emptyCache(t)
  for (const content of ['a', 'bb', 'ccc', 'dddd']) {
    const segment = await makeSegment({ directory }, recipeOf(content, 3), quiet)
    const bytes = await readFile(segment.path)
    assert.strictEqual(bytes.length % 4, 0)
    assert.strictEqual(bytes.length, segment.packedBytes)
    const names = execFileSync('cpio', ['-t', '--quiet'], { input: zstdDecompressSync(bytes) }).toString()
    assert.strictEqual(names, 'etc\netc/some\n')
  }
})

test('makeSegment() leaves nothing behind when a file cannot be packed', async (t) => {
  const directory = await emptyCache(t)
  const source = join(directory, 'source')
  await writeFile(source, 'short')
  const entry = { kind: 'file' as const, path: 'file', mode: 0o644, source, sizeBytes: 100 }
  const recipe = { ...recipeOf('', 3), entries: async () => [{ entry, of: 'things' }] }
  await assert.rejects(makeSegment({ directory }, recipe, quiet), /changed from 100 to 5 bytes/)
  assert.deepStrictEqual(await readdir(join(directory, 'segments')), [])
})
