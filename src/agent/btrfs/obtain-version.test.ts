import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { describeWithTools, skipsWithoutRoot } from '../../image/nasty-tree.fixture.ts'
import { assertSameDescription, changeNastyTree } from '../../image/renditions/changed-tree.fixture.ts'
import { readKeptVersions } from './kept-versions.ts'
import { versionSubvolume } from './pool-places.ts'
import { PoolSetting } from './pool-setting.fixture.ts'

function assertIsSource(setting: PoolSetting, version: string): void {
  const received = versionSubvolume(setting.pool, version)
  assertSameDescription(describeWithTools(received), describeWithTools(setting.source))
}

async function keptVersions({ pool }: PoolSetting): Promise<string[]> {
  return (await readKeptVersions(pool)).intact.map(({ version }) => version)
}

/** By BTRFS_IOC_SUBVOL_SETFLAGS itself: the btrfs program takes the identity of what was received away with it. */
function setReadOnly(subvolume: string, isReadOnly: boolean): void {
  const script = 'open(F, "<", $ARGV[0]) or die; $flags = pack("Q", $ARGV[1]); ioctl(F, 0x4008941a, $flags) or die $!'
  execFileSync('perl', ['-e', script, subvolume, isReadOnly ? '2' : '0'])
}

test('obtainVersion() receives whole, then the difference, then nothing', async (t) => {
  if (skipsWithoutRoot(t)) return
  await using setting = await PoolSetting.open(t)
  const first = await setting.importVersion()
  const whole = await setting.obtain(first.id)
  assert.ok(whole.bytesFetched > 6_000_000)
  assert.deepEqual(setting.said, ['write: received whole', 'verify: '])
  assertIsSource(setting, first.id)

  changeNastyTree(setting.source)
  const second = await setting.importVersion()
  const difference = await setting.obtain(second.id)
  assert.deepEqual(setting.offered, [[first.id]])
  assert.match(setting.said[0]!, new RegExp(`received the difference from ${first.id.slice(0, 12)}`))
  assert.ok(difference.bytesFetched < 2_000_000, `fetched ${difference.bytesFetched}`)
  assert.ok(difference.bytesReused > 6_000_000, `reused ${difference.bytesReused}`)
  assertIsSource(setting, second.id)
  assert.deepEqual(await keptVersions(setting), [second.id, first.id])

  const nothing = await setting.obtain(first.id)
  assert.deepEqual(setting.said, ['write: the disk has this version already', 'verify: '])
  assert.equal(nothing.bytesFetched, 0)
  assert.deepEqual(fs.readdirSync(path.join(setting.pool, 'bootwright/work')), [])
})

test('obtainVersion() receives whole when the version before was made writable', async (t) => {
  if (skipsWithoutRoot(t)) return
  await using setting = await PoolSetting.open(t)
  const first = await setting.importVersion()
  await setting.obtain(first.id)
  const kept = versionSubvolume(setting.pool, first.id)
  execFileSync('btrfs', ['property', 'set', '-f', '-ts', kept, 'ro', 'false'])
  fs.appendFileSync(path.join(setting.source, 'large'), 'more')
  const second = await setting.importVersion()
  const { bytesFetched } = await setting.obtain(second.id)
  assert.deepEqual(setting.offered, [[]])
  assert.match(setting.said[0]!, /received whole; \w{12} was of no use, because its subvolume was made writable/)
  assert.ok(bytesFetched > 6_000_000)
  assertIsSource(setting, second.id)
})

test('obtainVersion() receives whole when another subvolume stands in the place of the version before', async (t) => {
  if (skipsWithoutRoot(t)) return
  await using setting = await PoolSetting.open(t)
  const first = await setting.importVersion()
  await setting.obtain(first.id)
  const kept = versionSubvolume(setting.pool, first.id)
  execFileSync('btrfs', ['subvolume', 'snapshot', kept, `${setting.pool}/changed`])
  fs.writeFileSync(`${setting.pool}/changed/sizes/size-512`, 'changed by hand')
  execFileSync('btrfs', ['subvolume', 'delete', kept])
  execFileSync('btrfs', ['subvolume', 'snapshot', '-r', `${setting.pool}/changed`, kept])
  fs.appendFileSync(path.join(setting.source, 'large'), 'more')
  const second = await setting.importVersion()
  await setting.obtain(second.id)
  assert.match(setting.said[0]!, /received whole; .* because its subvolume is not the one that was received/)
  assertIsSource(setting, second.id)
})

test('obtainVersion() gives up a difference that comes out wrong, and forgets what it was against', async (t) => {
  if (skipsWithoutRoot(t)) return
  await using setting = await PoolSetting.open(t)
  const first = await setting.importVersion()
  await setting.obtain(first.id)
  // Read-only again, and under the same identity as before: only its bytes tell.
  const kept = versionSubvolume(setting.pool, first.id)
  const record = JSON.parse(fs.readFileSync(path.join(kept, '../record.json'), 'utf8'))
  setReadOnly(kept, false)
  fs.appendFileSync(path.join(kept, 'large'), 'changed by hand')
  setReadOnly(kept, true)
  assert.equal((await readKeptVersions(setting.pool)).intact[0]?.receivedUuid, record.receivedUuid)
  fs.appendFileSync(path.join(setting.source, 'sizes/size-1'), 'more')
  const second = await setting.importVersion()
  const { bytesFetched } = await setting.obtain(second.id)
  assert.match(setting.said.join('\n'), /received whole, because the difference could not be used: .*large/)
  assert.ok(bytesFetched > 6_000_000)
  assertIsSource(setting, second.id)
  assert.deepEqual(await keptVersions(setting), [second.id])
})

test('obtainVersion() receives whole when the server does not know the version before as a stream', async (t) => {
  if (skipsWithoutRoot(t)) return
  await using setting = await PoolSetting.open(t)
  const first = await setting.importVersion()
  await setting.obtain(first.id)
  // The streams and subvolumes were removed on the server, and made anew with another identity.
  fs.rmSync(path.join(setting.repository.directory, 'btrfs'), { recursive: true })
  fs.rmSync(path.join(setting.repository.directory, 'versions', first.id, 'renditions'), { recursive: true })
  fs.appendFileSync(path.join(setting.source, 'sizes/size-1'), 'more')
  const second = await setting.importVersion()
  await setting.obtain(second.id)
  assert.match(setting.said.join('\n'), /received whole, because the difference could not be used: .*parent/)
  assertIsSource(setting, second.id)
})

test('obtainVersion() fetches a chunk that came wrong again, and names one that comes wrong twice', async (t) => {
  if (skipsWithoutRoot(t)) return
  await using setting = await PoolSetting.open(t)
  fs.writeFileSync(path.join(setting.source, 'larger'), randomBytes(9_000_000))
  const first = await setting.importVersion()
  setting.spoil(() => true, 1)
  await setting.obtain(first.id)
  assertIsSource(setting, first.id)

  fs.writeFileSync(path.join(setting.source, 'larger'), randomBytes(9_000_000))
  const second = await setting.importVersion()
  setting.spoil(() => true, Number.POSITIVE_INFINITY)
  await assert.rejects(setting.obtain(second.id), (error: Error) => {
    assert.equal(error.name, 'ChunkInvalid')
    assert.match(
      error.message,
      /Cannot use chunk \w{64} of the stream btrfs-from-\w{64} from pack \w{64}: fetched twice/,
    )
    return true
  })
  assert.deepEqual(await keptVersions(setting), [first.id])
  setting.server.interfere = () => false
  await setting.obtain(second.id)
  assertIsSource(setting, second.id)
})
