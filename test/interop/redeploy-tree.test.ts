import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { verifyTree } from '../../src/agent/verify-tree.ts'
import { VersionServer } from '../../src/agent/version-server.fixture.ts'
import { type WriteTreeOptions, writeTree } from '../../src/agent/write-tree.ts'
import { ensureDelta } from '../../src/image/deltas/ensure-delta.ts'
import { importDirectory } from '../../src/image/import-directory.ts'
import { makeNastyTree, seededRandom } from '../../src/image/nasty-tree.fixture.ts'
import { differences } from './image/compare-trees.ts'
import { ImageSetting } from './image/image-setting.ts'
import { needs } from './image/needs.ts'
import { RandomDrift } from './image/random-drift.ts'
import { RandomTree } from './image/random-tree.ts'

/* REDEPLOYS=20 makes that many drifted machines of each filesystem, from REDEPLOY_SEED on. */

const filesystems = ['ext4', 'btrfs', 'xfs'] as const
const machines = Number(process.env.REDEPLOYS ?? 1)
const firstSeed = Number(process.env.REDEPLOY_SEED ?? 500)
const needed = { root: true, programs: ['setcap', 'setfacl', 'mkfs.xfs', 'mkfs.btrfs'] }

type Machine = {
  setting: ImageSetting
  source: string
  target: string
  outside: string
  options: (id: string) => Omit<WriteTreeOptions, 'onProgress'>
}

/** A source and a target on a filesystem of one type, and a server of what is imported from the source. */
async function setUp(t: TestContext, filesystem: (typeof filesystems)[number]): Promise<Machine> {
  const setting = await ImageSetting.open(t)
  const source = setting.mountNew('source', filesystem)
  const target = setting.mountNew('target', filesystem)
  setting.run('rm -rf source/lost+found; mkdir outside; echo >outside/file; mkdir outside/directory')
  const server = await new VersionServer(setting.repository.directory).start()
  t.after(() => server.stop())
  const options = (version: string) => {
    const { baseUrl } = server
    return { baseUrl, image: 'test', version, imagePublicKey: setting.key.publicKey, targetDirectory: target }
  }
  return { setting, source, target, outside: setting.path('outside'), options }
}

async function importSource({ setting, source }: Machine): Promise<string> {
  setting.run('find source -type s -delete')
  return (await importDirectory(setting.repository, source, setting.options)).id
}

function assertSame({ source, target }: Machine): void {
  const found = differences(source, target, { hasLinksOfFilesOnly: false })
  assert.equal(
    found
      .slice(0, 8)
      .map((text) => (text.length > 400 ? `${text.slice(0, 200)} … ${text.slice(-200)}` : text))
      .join('\n'),
    '',
  )
}

for (const [at, filesystem] of filesystems.entries()) {
  for (let seed = firstSeed + at; seed < firstSeed + machines * 3; seed += 3) {
    test(`writeTree() makes a drifted machine on ${filesystem} exactly the next version (seed ${seed})`, async (t) => {
      if (needs(t, needed)) return
      const machine = await setUp(t, filesystem)
      const { setting, source, target, outside, options } = machine
      const random = seededRandom(seed)
      new RandomTree(source, random).fill(200)
      await writeTree(options(await importSource(machine)))
      new RandomDrift(source, outside, random).drift(0.2)
      const next = await importSource(machine)
      const drift = new RandomDrift(target, outside, random)
      drift.drift(0.3)
      drift.protect(0.1)
      const before = setting.run('find outside -printf "%p %m %U %T@ %C@\\n"')
      const { bytesReused } = await writeTree({ ...options(next), reuse: {} })
      assertSame(machine)
      assert.ok(bytesReused > 0)
      assert.equal(setting.run("lsattr -R target 2>/dev/null | grep -c '^....i' || true").trim(), '0')
      await verifyTree(options(next))
      assert.equal(setting.run('find outside -printf "%p %m %U %T@ %C@\\n"'), before, 'links out were not followed')
    })
  }
}

test('writeTree() on a machine that has the version writes and fetches no content', async (t) => {
  if (needs(t, needed)) return
  const machine = await setUp(t, 'ext4')
  const { setting, source, outside, options } = machine
  setting.run('mkdir source/tree')
  makeNastyTree(path.join(source, 'tree'), 4)
  const id = await importSource(machine)
  const first = await writeTree(options(id))
  const inodes = setting.run('find target -printf "%i %p\\n" | sort')
  const again = await writeTree({ ...options(id), reuse: {} })
  assert.deepEqual([again.bytesReused, again.bytesWritten], [first.bytesWritten, 0])
  assert.ok(again.bytesFetched < first.bytesFetched / 4, `${again.bytesFetched} of ${first.bytesFetched} bytes`)
  assert.equal(setting.run('find target -printf "%i %p\\n" | sort'), inodes)
  new RandomDrift(machine.target, outside, seededRandom(9)).drift(0.3)
  await writeTree({ ...options(id), reuse: {} })
  assertSame(machine)
})

/** A release of a program that is of no use to compress, and in its next release nearly the same. */
function makeRelease({ setting, source }: Machine, release: number): void {
  setting.run('test -e program || head -c 3000000 /dev/urandom >program; rm -rf source/*')
  const program = fs.readFileSync(setting.path('program'))
  const changed = Buffer.concat([program.subarray(0, 9e5), Buffer.from(`release ${release}`), program.subarray(9e5)])
  const modules = path.join(source, `lib/modules/6.1.${release}`)
  fs.mkdirSync(modules, { recursive: true })
  fs.writeFileSync(path.join(source, 'program'), changed)
  fs.writeFileSync(path.join(source, `copied-${release}`), program.subarray(0, 700_000))
  for (let number = 0; number < 40; number++) {
    const module = Buffer.from(program.subarray(number * 5000, number * 5000 + 9000))
    module.write(`vermagic ${release}`, 100)
    fs.writeFileSync(path.join(modules, `module${number}.ko`), module)
  }
}

/** Imported one after the other, with the delta from the first to the second. */
async function makeTwoReleases(machine: Machine) {
  makeRelease(machine, 1)
  const previousVersion = await importSource(machine)
  makeRelease(machine, 2)
  const next = await importSource(machine)
  const { repository } = machine.setting
  const delta = await ensureDelta(repository, { version: next, parent: previousVersion, name: 'tree' })
  return { previousVersion, next, delta }
}

test('writeTree() fetches the delta from the version before, and whole chunks where its files have changed', async (t) => {
  if (needs(t, needed)) return
  const machine = await setUp(t, 'ext4')
  const { setting, options } = machine
  const { previousVersion, next, delta } = await makeTwoReleases(machine)
  const whole = await writeTree(options(previousVersion))
  const little = await writeTree({ ...options(next), reuse: { previousVersion } })
  assertSame(machine)
  t.diagnostic(`fetched ${little.bytesFetched} of ${whole.bytesFetched} bytes, ${delta.storedBytes} of them the delta`)
  assert.ok(little.bytesFetched < delta.storedBytes + 20_000, `${little.bytesFetched} bytes`)

  setting.run('find target -mindepth 1 -maxdepth 1 -not -name lost+found -exec rm -r {} +')
  await writeTree(options(previousVersion))
  setting.run(
    'cd target; dd if=/dev/urandom of=program bs=1k seek=200 count=600 conv=notrunc status=none; rm lib/modules/*/*7.ko',
  )
  setting.run('rm target/copied-1; mkfifo target/copied-1')
  const more = await writeTree({ ...options(next), reuse: { previousVersion } })
  assertSame(machine)
  assert.ok(more.bytesFetched > little.bytesFetched)
  assert.ok(more.bytesFetched < whole.bytesFetched)
})

test('writeTree() takes no harm from a damaged delta, or one of another version', async (t) => {
  if (needs(t, needed)) return
  const machine = await setUp(t, 'ext4')
  const { options } = machine
  const { previousVersion, next, delta } = await makeTwoReleases(machine)
  const { directory } = delta
  const data = fs.readFileSync(path.join(directory, 'data'))
  for (let at = 20; at < data.length; at += 50) data[at] = data[at]! ^ 0x55
  fs.writeFileSync(path.join(directory, 'data'), data)
  await writeTree(options(previousVersion))
  await writeTree({ ...options(next), reuse: { previousVersion } })
  assertSame(machine)
  await writeTree({ ...options(previousVersion), reuse: { previousVersion: 'f'.repeat(64) } })
  await verifyTree(options(previousVersion))
})

test('writeTree() leaves kept paths alone, and makes those that are missing', async (t) => {
  if (needs(t, needed)) return
  const machine = await setUp(t, 'ext4')
  const { setting, target, options } = machine
  setting.run('mkdir -p source/home/new source/srv source/etc; echo 1 >source/etc/a; echo 1 >source/home/new/skeleton')
  const id = await importSource(machine)
  await writeTree(options(id))
  setting.run(
    'rm -r target/home/new; mkdir -p target/home/me target/srv/data/deep target/opt/own/kept target/opt/extra',
  )
  setting.run('echo mine >target/home/me/file; echo 2 >target/etc/a; touch target/srv/extra; echo >target/opt/own/gone')
  const keptPaths = ['home', 'srv/data', 'opt/own/kept', 'var/not-there']
  await writeTree({ ...options(id), reuse: { keptPaths } })
  assert.equal(
    setting.run('cd target && find . -mindepth 1 -not -name lost+found | sort | tr "\\n" " "'),
    './etc ./etc/a ./home ./home/me ./home/me/file ./opt ./opt/own ./opt/own/kept ./srv ./srv/data ./srv/data/deep ',
  )
  assert.equal(fs.readFileSync(path.join(target, 'etc/a'), 'utf8'), '1\n')
  await verifyTree({ ...options(id), keptPaths })
})

test('writeTree() removes what should go before it writes where the room is needed', async (t) => {
  if (needs(t, needed)) return
  const machine = await setUp(t, 'ext4')
  const { setting, options } = machine
  setting.run('head -c 300M /dev/urandom >source/large')
  const id = await importSource(machine)
  setting.run('mkdir target/old; head -c 400M /dev/zero >target/old/logs')
  await writeTree({ ...options(id), reuse: {} })
  assertSame(machine)
})

test('writeTree() that is killed at any moment is completed by the next attempt', async (t) => {
  if (needs(t, { ...needed, programs: [...needed.programs, 'strace'] })) return
  const machine = await setUp(t, 'ext4')
  const { source, target, outside, options } = machine
  const random = seededRandom(77)
  new RandomTree(source, random).fill(200)
  await writeTree(options(await importSource(machine)))
  new RandomDrift(source, outside, random).drift(0.4)
  const next = await importSource(machine)
  const { imagePublicKey, ...order } = options(next)
  const pem = imagePublicKey.export({ type: 'spki', format: 'pem' })
  const child = [process.execPath, path.join(import.meta.dirname, 'image/redeploy-child.ts')]
  // At the so-manieth call of each kind that changes a filesystem, in any of its threads: whatever the machine's speed.
  const calls = ['rename', 'unlink', 'rmdir', 'mkdir', 'link', 'symlink', 'fchmod', 'lchown', 'pwrite64', 'write']
  let kills = 0
  for (const [at, call] of calls.entries()) {
    new RandomDrift(target, outside, random).drift(0.1)
    const inject = `inject=${call}:signal=SIGKILL:when=${1 + Math.floor(random() * (at < 7 ? 5 : 20))}`
    const run = spawn('strace', ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${call}`, '-e', inject, ...child], {
      stdio: ['pipe', 'inherit', 'inherit'],
    })
    run.stdin!.end(JSON.stringify({ ...order, pem }))
    const [status, signal] = await once(run, 'exit', { signal: AbortSignal.timeout(60_000) })
    if (signal === 'SIGKILL') kills++
    else assert.equal(status, 0)
  }
  t.diagnostic(`killed ${kills} times of ${calls.length}`)
  assert.ok(kills >= 5, `killed ${kills} times`)
  await writeTree({ ...options(next), reuse: {} })
  assertSame(machine)
})
