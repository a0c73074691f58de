import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { forgetVersion, readKeptVersions } from '../../src/agent/btrfs/kept-versions.ts'
import { PoolSetting } from '../../src/agent/btrfs/pool-setting.fixture.ts'
import { seededRandom } from '../../src/image/nasty-tree.fixture.ts'
import { changeNastyTree } from '../../src/image/renditions/changed-tree.fixture.ts'
import { needs } from './image/needs.ts'

const program = path.join(import.meta.dirname, 'btrfs/obtain-child.ts')
const kills = 8

/** Runs an agent until it has the version, or kills it that long after it began. True when it came to its end. */
async function obtainInChild(setting: PoolSetting, version: string, killAfterMs?: number): Promise<boolean> {
  const { baseUrl, imagePublicKey } = setting.versionOptions(version)
  const key = imagePublicKey.export({ type: 'spki', format: 'pem' }).toString()
  const child = spawn(process.execPath, [program, baseUrl, version, setting.pool, key], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit') as Promise<[number | null]>
  await once(child.stdout, 'data')
  if (killAfterMs !== undefined) {
    await Promise.race([wait(killAfterMs), ended])
    child.kill('SIGKILL')
  }
  const [code] = await ended
  assert.ok(code === 0 || code === null, `the agent ended with ${code}`)
  return code === 0
}

test('a receive that is killed at any moment is finished by the next, and leaves nothing', async (t) => {
  if (needs(t, { root: true, programs: ['btrfs', 'mkfs.btrfs'] })) return
  await using setting = await PoolSetting.open(t)
  const random = seededRandom(11)
  const first = await setting.importVersion()
  changeNastyTree(setting.source)
  const second = await setting.importVersion()
  await setting.makeStream(first.id)
  await setting.makeStream(second.id, first.id)
  const startedAt = performance.now()
  assert.ok(await obtainInChild(setting, first.id))
  const undisturbedMs = performance.now() - startedAt
  fs.renameSync(path.join(setting.pool, 'bootwright'), path.join(setting.pool, 'undisturbed'))

  let interrupted = 0
  for (let round = 0; round < kills; round++) {
    if (!(await obtainInChild(setting, first.id, undisturbedMs * random()))) interrupted++
    const { intact, changed } = await readKeptVersions(setting.pool)
    assert.deepEqual(changed, [], 'what is in its place is whole')
    if (intact.length > 0) await forgetVersion(setting.pool, first.id)
  }
  t.diagnostic(`${interrupted} of ${kills} were interrupted`)
  assert.ok(interrupted > 0)
  await setting.obtain(first.id)
  for (let round = 0; round < kills; round++) await obtainInChild(setting, second.id, undisturbedMs * random())
  await setting.obtain(second.id)
  const { intact } = await readKeptVersions(setting.pool)
  assert.deepEqual(new Set(intact.map(({ version }) => version)), new Set([second.id, first.id]))
  assert.deepEqual(fs.readdirSync(path.join(setting.pool, 'bootwright/work')), [])
})
