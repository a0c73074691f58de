import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { importLxc, type LxcOptions } from '../../src/image/import-lxc.ts'
import { makeNastyTree } from '../../src/image/nasty-tree.fixture.ts'
import { readTree } from '../../src/image/repository.ts'
import { ImageSetting } from './image/image-setting.ts'
import { needs } from './image/needs.ts'
import { shiftOwners } from './image/shift-owners.ts'

const required = { root: true, programs: [] }
const requiredForRunning = { root: true, programs: ['lxc-start', 'busybox'] }

function writeConfig(setting: ImageSetting, rootfs: string, ...lines: string[]): void {
  fs.mkdirSync(setting.path('lxc/box'), { recursive: true })
  const text = [`lxc.rootfs.path = ${rootfs}`, 'lxc.uts.name = box', ...lines, ''].join('\n')
  fs.writeFileSync(setting.path('lxc/box/config'), text)
}

const importBox = (setting: ImageSetting, options: Partial<LxcOptions> = {}) =>
  importLxc(setting.repository, setting.path('lxc/box'), { ...setting.options, ...options })

test('importLxc() takes the files of a stopped container, and keeps its configuration', async (t) => {
  if (needs(t, required)) return
  const setting = await ImageSetting.open(t)
  fs.mkdirSync(setting.path('lxc/box/rootfs'), { recursive: true })
  makeNastyTree(setting.path('lxc/box/rootfs'), 31)
  const expected = await setting.idOfDirectory('lxc/box/rootfs')
  writeConfig(setting, `dir:${setting.path('lxc/box/rootfs')}`, 'lxc.environment = PASSWORD=secret')
  const version = await importBox(setting)
  await setting.assertSameVersion(version.id, expected)
  assert.equal(version.source?.kind, 'lxc')
  assert.match(version.source?.config ?? '', /^lxc\.uts\.name = box$/m)
  assert.doesNotMatch(version.source?.config ?? '', /secret/)

  await t.test('where an included file names them, in the words of LXC 2', async () => {
    fs.mkdirSync(setting.path('included'))
    fs.writeFileSync(setting.path('included/b.conf'), `lxc.rootfs = ${setting.path('lxc/box/rootfs')}\nlxc.id_map =\n`)
    fs.writeFileSync(setting.path('included/a.conf'), 'lxc.id_map = u 0 5 1\n')
    fs.writeFileSync(setting.path('lxc/box/config'), `# box\nlxc.include = ${setting.path('included')}\n`)
    await setting.assertSameVersion((await importBox(setting)).id, expected)
  })
})

test('importLxc() gives the files of an unprivileged container the owners that are seen inside', async (t) => {
  if (needs(t, required)) return
  const setting = await ImageSetting.open(t)
  const rootfs = setting.path('lxc/box/rootfs')
  fs.mkdirSync(rootfs, { recursive: true })
  makeNastyTree(rootfs, 32)
  const expected = await setting.idOfDirectory('lxc/box/rootfs')
  shiftOwners(rootfs, 100_000)
  assert.match(setting.run('getcap -n lxc/box/rootfs/metadata/capability'), /rootid=100000/)
  assert.match(setting.run('getfacl -n lxc/box/rootfs/metadata/acl'), /^user:101000:rwx/m)
  writeConfig(setting, `dir:${rootfs}`, 'lxc.idmap = u 0 100000 4000000000', 'lxc.idmap = g 0 100000 4000000001')
  await setting.assertSameVersion((await importBox(setting)).id, expected)

  await t.test('and refuses files of owners that are not seen inside', async () => {
    fs.lchownSync(path.join(rootfs, 'sizes/size-1'), 7, 100_000)
    const stray = /at "\/sizes\/size-1": the user 7 of a file there is in no range of the id map/
    await setting.assertRefused(importBox(setting), stray)
  })
})

test('importLxc() takes the files of a container on an overlay, with what the upper layer hides', async (t) => {
  if (needs(t, required)) return
  const setting = await ImageSetting.open(t)
  setting.run('mkdir -p base/rootfs more upper work merged "lxc/box"')
  makeNastyTree(setting.path('base/rootfs'), 33)
  setting.run('cp -a base/rootfs/names more/more-names')
  setting.mount('-t overlay -o lowerdir=more:base/rootfs,upperdir=upper,workdir=work overlay merged', 'merged')
  setting.run(`cd merged && rm -r names links && mkdir names && echo new > names/new && rm sizes/size-1 &&
    echo more >> sizes/size-513 && chown 7:8 metadata/xattrs && mv more-names moved`)
  const expected = await setting.idOfDirectory('merged')
  setting.unmount('merged')
  writeConfig(setting, `overlay:${setting.path('base/rootfs')}:${setting.path('more')}:${setting.path('upper')}`)
  await setting.assertSameVersion((await importBox(setting)).id, expected)
  setting.assertNothingStaged()
})

test('importLxc() takes the files of a container in a file of its own', async (t) => {
  if (needs(t, required)) return
  const setting = await ImageSetting.open(t)
  const rootfs = setting.mountNew('box', 'ext4')
  makeNastyTree(rootfs, 34)
  const expected = await setting.idOfDirectory('box')
  setting.unmount('box')
  writeConfig(setting, `loop:${setting.path('box.img')}`)
  await setting.assertSameVersion((await importBox(setting)).id, expected)
  setting.assertNothingStaged()
})

test('importLxc() says what it cannot open, and what to do', async (t) => {
  if (needs(t, required)) return
  const setting = await ImageSetting.open(t)
  await setting.assertRefused(
    importBox(setting),
    /there is no LXC container with .*lxc\/box\/config; give the directory/,
  )
  writeConfig(setting, 'zfs:tank/box')
  await setting.assertRefused(importBox(setting), /its files are on zfs:tank\/box, which is not opened here; mount it/)
  writeConfig(setting, 'dir:/nowhere/at/all')
  await setting.assertRefused(importBox(setting), /\/nowhere\/at\/all is not there|no such file/i)
  fs.writeFileSync(setting.path('lxc/box/config'), 'lxc.include = /nowhere.conf\n')
  await setting.assertRefused(importBox(setting), /at \/nowhere.conf: ENOENT/)
  fs.writeFileSync(setting.path('lxc/box/config'), `lxc.include = ${setting.path('lxc/box/config')}\n`)
  await setting.assertRefused(importBox(setting), /more than 100 files are included/)
})

/** A container that writes without a pause: `a` first, then `b`, the same number. */
class RunningBox {
  readonly setting: ImageSetting
  readonly #rootfs: string

  constructor(setting: ImageSetting, rootfs: string, ...lines: string[]) {
    this.setting = setting
    this.#rootfs = rootfs
    for (const name of ['bin', 'proc', 'sys', 'dev', 'etc']) fs.mkdirSync(path.join(rootfs, name), { recursive: true })
    fs.copyFileSync('/bin/busybox', path.join(rootfs, 'bin/busybox'))
    fs.symlinkSync('busybox', path.join(rootfs, 'bin/sh'))
    const script =
      '#!/bin/sh\ntrap "exit 0" TERM PWR\nn=0\nwhile :; do n=$((n+1)); echo $n > /etc/a; echo $n > /etc/b; done\n'
    fs.writeFileSync(path.join(rootfs, 'init'), script, { mode: 0o755 })
    for (let number = 0; number < 40; number++) {
      fs.writeFileSync(path.join(rootfs, `etc/file-${number}`), Buffer.alloc(400_000, `${number} `))
    }
    fs.mkdirSync(setting.path('lxc/box'), { recursive: true })
    // LXC's own user must be able to reach it.
    for (const directory of [setting.directory, setting.path('lxc'), setting.path('lxc/box')])
      fs.chmodSync(directory, 0o755)
    writeConfig(
      setting,
      `dir:${rootfs}`,
      'lxc.net.0.type = empty',
      'lxc.init.cmd = /init',
      'lxc.apparmor.profile = unconfined',
      ...lines,
    )
  }

  async start(): Promise<void> {
    this.setting.defer(() => spawnSync('lxc-stop', ['-k', ...this.#arguments()]))
    execFileSync('lxc-start', [...this.#arguments(), '-d', '-o', this.setting.path('lxc.log')], { stdio: 'pipe' })
    await this.waitUntilItWrites()
  }

  state(): string {
    return execFileSync('lxc-info', [...this.#arguments(), '-s', '-H'])
      .toString()
      .trim()
  }

  /** Written again and again means it runs. */
  async waitUntilItWrites(): Promise<void> {
    const read = () => fs.statSync(path.join(this.#rootfs, 'etc/b'), { throwIfNoEntry: false })?.mtimeMs
    const before = read()
    for (let tries = 0; tries < 400; tries++) {
      if (read() !== before && this.state() === 'RUNNING') return
      await wait(50)
    }
    throw new Error(`the container is ${this.state()} and does not write`)
  }

  #arguments(): string[] {
    return ['-P', this.setting.path('lxc'), '-n', 'box']
  }
}

test('importLxc() freezes a running container for as long as it reads, and lets it go on', async (t) => {
  if (needs(t, requiredForRunning)) return
  const setting = await ImageSetting.open(t)
  const box = new RunningBox(setting, setting.path('lxc/box/rootfs'))
  await box.start()
  const states = new Set<string>()
  const version = await importBox(setting, { onProgress: () => states.add(box.state()) })
  assert.deepEqual([...states], ['FROZEN'])
  assert.ok(setting.notices.some(({ reason }) => reason === 'it runs, and is frozen for the import'))
  await box.waitUntilItWrites()
  const { entries } = await readTree(setting.repository, version.id)
  assert.ok(entries.some((entry) => entry.path === 'etc/file-39'))
  const noSnapshot = /its files are no btrfs subvolume, so that no snapshot can be taken; let it be frozen or stopped/
  await setting.assertRefused(importBox(setting, { consistency: 'snapshot' }), noSnapshot)

  await t.test('also when the import fails, and when it is killed', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    await assert.rejects(importBox(setting, { signal }), /enough/)
    await box.waitUntilItWrites()
    const script = `
      import { importLxc } from ${JSON.stringify(path.resolve('src/image/import-lxc.ts'))}
      import { openSigningKey } from ${JSON.stringify(path.resolve('src/image/signing-key.ts'))}
      const signingKey = await openSigningKey('${setting.path('keys')}')
      const onProgress = () => process.kill(process.pid, 'SIGKILL')
      await importLxc({ directory: '${setting.repository.directory}' }, '${setting.path('lxc/box')}', { image: 'killed', signingKey, onProgress })`
    fs.writeFileSync(setting.path('import.ts'), script)
    assert.equal(spawnSync(process.execPath, [setting.path('import.ts')]).signal, 'SIGKILL')
    await box.waitUntilItWrites()
  })

  await t.test('or stops it and starts it again', async () => {
    const seen = new Set<string>()
    await importBox(setting, { consistency: 'stop', onProgress: () => seen.add(box.state()) })
    assert.deepEqual([...seen], ['STOPPED'])
    await box.waitUntilItWrites()
  })
})

test('importLxc() takes a snapshot of a running container on btrfs, which goes on meanwhile', async (t) => {
  if (needs(t, { root: true, programs: [...requiredForRunning.programs, 'btrfs'] })) return
  const setting = await ImageSetting.open(t)
  fs.mkdirSync(setting.path('lxc'))
  setting.mountNew('pool', 'btrfs')
  setting.run('btrfs subvolume create pool/rootfs && chmod 755 pool')
  const box = new RunningBox(setting, setting.path('pool/rootfs'))
  await box.start()
  const states = new Set<string>()
  const version = await importBox(setting, { onProgress: () => states.add(box.state()) })
  assert.deepEqual([...states], ['RUNNING'])
  assert.ok(version.entries > 40)
  assert.deepEqual(fs.readdirSync(setting.path('pool')), ['rootfs'])
})
