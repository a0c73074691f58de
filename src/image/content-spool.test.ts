import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { ContentSpool } from './content-spool.ts'
import { temporaryDirectory } from './nasty-tree.fixture.ts'

test('ContentSpool gives contents back to many readers at once, while the last ones are not yet on the disk', async (t) => {
  await using spool = await ContentSpool.create(path.join(temporaryDirectory(t), 'spool'))
  for (let round = 0; round < 20; round++) {
    const contents = []
    for (let number = 0; number < 30; number++) contents.push(await spool.add(Buffer.alloc(60_000 + number, number)))
    const read = await Promise.all(
      contents.map(async (content) => {
        const target = new Uint8Array(content.sizeBytes)
        await content.read(target)
        return target
      }),
    )
    read.forEach((bytes, number) => {
      assert.ok(bytes.every((byte) => byte === number))
    })
  }
})
