import assert from 'node:assert/strict'
import fs from 'node:fs'
import { test } from 'node:test'
import { seededRandom } from '../../image/nasty-tree.fixture.ts'
import { blockBytes } from '../../image/renditions/block-map.ts'
import { writeBlocks } from './write-blocks.ts'
import { setUpDisk } from './written-disk.fixture.ts'

/*
 * A power cut on a disk whose write cache is lost: of what was written and not flushed, any block may be there or not,
 * in whatever order it was written.
 */

/** `after` with a random half of its changes undone. */
function loseCache(before: Buffer, after: Buffer, random: () => number): Buffer {
  const left = Buffer.from(after)
  for (let at = 0; at < after.length; at += blockBytes) {
    if (random() < 0.5) before.copy(left, at, at, Math.min(at + blockBytes, after.length))
  }
  return left
}

test('writeBlocks() completes after ten power cuts with a lost write cache', async (t) => {
  const { options, device, isWritten } = await setUpDisk(t)
  const random = seededRandom(4)
  for (let cut = 0; cut < 10; cut++) {
    const before = fs.readFileSync(device)
    const abort = new AbortController()
    let windows = 1 + Math.floor(random() * 3)
    const onProgress = () => {
      if (--windows === 0) abort.abort(new Error('the power went'))
    }
    await writeBlocks({ ...options, onProgress, signal: abort.signal }).catch(() => undefined)
    fs.writeFileSync(device, loseCache(before, fs.readFileSync(device), random))
  }
  const result = await writeBlocks(options)
  t.diagnostic(`${result.way.because}; ${result.bytesReused} bytes were there, ${result.bytesWritten} written`)
  assert.equal(isWritten(), true)
})
