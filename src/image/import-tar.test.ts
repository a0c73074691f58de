import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { before, type TestContext, test } from 'node:test'
import { ImageSourceInvalid } from './image-source.ts'
import { importDirectory } from './import-directory.ts'
import { importTar } from './import-tar.ts'
import { makeNastyTree, skipsWithoutRoot, temporaryDirectory } from './nasty-tree.fixture.ts'
import { listVersions, openRepository, readTree, type Version } from './repository.ts'
import { openSigningKey, type SigningKey } from './signing-key.ts'

/** One tree and its version by importDirectory(), with which every form of tar is compared. */
let shared: { source: string; fromDirectory: Version; key: SigningKey; directory: string } | undefined

before(async (t) => {
  if (process.geteuid?.() !== 0) return
  const directory = temporaryDirectory(t as TestContext)
  const source = path.join(directory, 'source')
  fs.mkdirSync(source)
  makeNastyTree(source, 11)
  fs.rmSync(path.join(source, 'special/socket'))
  fs.rmSync(path.join(source, 'special/fifo-too')) // tar knows hard links of files only
  fs.rmSync(path.join(source, 'sparse/terabyte')) // GNU tar takes minutes for it
  for (const name of ['acl', 'sticky']) execFileSync('setfacl', ['-b', path.join(source, 'metadata', name)])
  execFileSync('touch', [
    '-d',
    '2020-01-01',
    path.join(source, 'sparse'),
    path.join(source, 'special'),
    path.join(source, 'metadata'),
  ])
  const key = await openSigningKey(path.join(directory, 'keys'))
  const repository = await openRepository(path.join(directory, 'repository'))
  const fromDirectory = await importDirectory(repository, source, { image: 'nasty', signingKey: key })
  shared = { source, fromDirectory, key, directory }
})

const paxOptions = [
  '--format=pax',
  '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime',
  '--xattrs',
  '--xattrs-include=*',
]

async function importOf(t: TestContext, tarFile: string): Promise<Version> {
  const repository = await openRepository(path.join(temporaryDirectory(t), 'repository'))
  return importTar(repository, tarFile, { image: 'nasty', signingKey: shared!.key })
}

function makeTar(t: TestContext, ...options: string[]): string {
  const file = path.join(temporaryDirectory(t), 'image.tar')
  execFileSync('tar', ['-C', shared!.source, '-cf', file, ...options, '.'])
  return file
}

for (const [what, options] of [
  ['pax', []],
  ['pax, sparse 0.0', ['--sparse', '--sparse-version=0.0']],
  ['pax, sparse 0.1', ['--sparse', '--sparse-version=0.1']],
  ['pax, sparse 1.0', ['--sparse', '--sparse-version=1.0']],
  ['pax, names in no order', ['--sort=none']],
] as const) {
  test(`importTar() makes the same version of a tar as importDirectory() of its tree (${what})`, async (t) => {
    if (skipsWithoutRoot(t)) return
    const version = await importOf(t, makeTar(t, ...paxOptions, ...options))
    assert.equal(version.id, shared!.fromDirectory.id)
  })
}

for (const [program, suffix] of [
  ['gzip', ''],
  ['zstd', ''],
  ['xz', ''],
  ['bzip2', ''],
  ['gzip', '.zst'],
] as const) {
  test(`importTar() knows ${program} by its first bytes${suffix && `, not by the name ${suffix}`}`, async (t) => {
    if (skipsWithoutRoot(t)) return
    const file = makeTar(t, ...paxOptions)
    const compressed = `${file}${suffix}.packed`
    fs.writeFileSync(compressed, execFileSync(program, ['-1', '-c', file], { maxBuffer: 1 << 28 }))
    assert.equal((await importOf(t, compressed)).id, shared!.fromDirectory.id)
  })
}

for (const format of ['gnu', 'oldgnu'] as const) {
  test(`importTar() reads GNU tar's own format ${format}, with long names and sparse files`, async (t) => {
    if (skipsWithoutRoot(t)) return
    const directory = temporaryDirectory(t)
    const source = path.join(directory, 'plain')
    const file = path.join(directory, 'gnu.tar')
    // That format has whole seconds and no attributes: compared with a tree that has no more.
    execFileSync('cp', ['-a', shared!.source, source])
    execFileSync('bash', [
      '-c',
      'find "$1" -name "before-*" -delete; find "$1" -print0 | xargs -0 touch -h -d @1600000000; find "$1/metadata" -name xattrs -o -name capability | xargs rm',
      'x',
      source,
    ])
    execFileSync('bash', ['-c', 'find "$1" -depth -type d -print0 | xargs -0 touch -d @1600000000', 'x', source])
    execFileSync('tar', ['-C', source, '-cf', file, `--format=${format}`, '--sparse', '.'])
    const repository = await openRepository(path.join(directory, 'repository'))
    const options = { image: 'nasty', signingKey: shared!.key }
    const expected = await importDirectory(repository, source, options)
    assert.equal((await importTar(repository, file, options)).id, expected.id)
  })
}

test('importTar() needs no root', async (t) => {
  if (skipsWithoutRoot(t)) return
  const directory = temporaryDirectory(t)
  const file = makeTar(t, ...paxOptions)
  fs.chmodSync(path.dirname(file), 0o755)
  fs.chmodSync(directory, 0o777)
  const script = `
    import { importTar } from ${JSON.stringify(path.join(import.meta.dirname, 'import-tar.ts'))}
    import { openRepository } from ${JSON.stringify(path.join(import.meta.dirname, 'repository.ts'))}
    import { openSigningKey } from ${JSON.stringify(path.join(import.meta.dirname, 'signing-key.ts'))}
    process.setgid(65534); process.setgroups([]); process.setuid(65534)
    const key = await openSigningKey('${directory}/keys')
    const version = await importTar(await openRepository('${directory}/repository'), '${file}', { image: 'a', signingKey: key })
    console.log(version.id)`
  fs.writeFileSync(`${directory}/import.ts`, script)
  const output = execFileSync(process.execPath, [`${directory}/import.ts`]).toString()
  assert.equal(output.trim(), shared!.fromDirectory.id)
})

test('importTar() names what is wrong with a truncated tar, and leaves nothing behind', async (t) => {
  if (skipsWithoutRoot(t)) return
  const file = makeTar(t, ...paxOptions)
  const whole = fs.readFileSync(file)
  const zstd = execFileSync('zstd', ['-1', '-c', file], { maxBuffer: 1 << 28 })
  const gzip = execFileSync('gzip', ['-1', '-c', file], { maxBuffer: 1 << 28 })
  const xz = execFileSync('xz', ['-0', '-c', file], { maxBuffer: 1 << 28 })
  const end = whole.length - 10240 // where the last member surely ended already
  const cut = path.join(path.dirname(file), 'cut')
  const { repository, options } = await emptyRepository(t)
  const pieces = [0, 100, 511, 512, 1000, 12_345, 512 * 300, Math.floor(end / 2), end - 512].map((length) =>
    whole.subarray(0, length),
  )
  for (const compressed of [zstd, gzip, xz]) {
    pieces.push(compressed.subarray(0, compressed.length >> 1), compressed.subarray(0, compressed.length - 3))
  }
  for (const bytes of pieces) {
    fs.writeFileSync(cut, bytes)
    await assert.rejects(importTar(repository, cut, options), (error) => {
      assert.ok(error instanceof ImageSourceInvalid, `${bytes.length}: ${(error as Error).stack}`)
      assert.match(error.message, /^Cannot import .*cut.*(truncated|empty|ends|end)/, `${bytes.length}`)
      return true
    })
    assertNothingLeft(repository.directory)
  }
})

test('importTar() refuses a tar whose bytes were changed anywhere that matters, by name', async (t) => {
  if (skipsWithoutRoot(t)) return
  const whole = fs.readFileSync(
    makeTar(
      t,
      '--format=ustar',
      '--exclude=./names',
      '--exclude=./deep',
      '--exclude=./links',
      '--exclude=./metadata',
      '--exclude=./special',
    ),
  )
  const { repository, options } = await emptyRepository(t)
  const file = path.join(repository.directory, '..', 'changed.tar')
  for (const offset of [0, 101, 125, 150, 156, 257]) {
    const changed = Buffer.from(whole)
    changed[offset]! ^= 0x40
    fs.writeFileSync(file, changed)
    await assert.rejects(importTar(repository, file, options), ImageSourceInvalid)
    assertNothingLeft(repository.directory)
  }
  fs.writeFileSync(file, 'this is no tar at all. '.repeat(100))
  await assert.rejects(importTar(repository, file, options), /damaged, or no tar/)
})

/** Tars that GNU tar makes of a few lines of shell, and what they are refused for. */
const hostile: [string, string, RegExp][] = [
  ['a path that climbs', "touch a; tar -cPf $T --transform 's,^a,../a,' a", /"\.\.".*names no file of its own/],
  [
    'a file below a symlink',
    'mkdir d; ln -s /etc l; touch d/x; tar -cf $T --transform s,^d,l, l d/x',
    /"l" on its way is a symlink/,
  ],
  [
    'a hard link to nothing',
    'touch a; ln a b; tar -cf $T a b; tar --delete -f $T a',
    /hard link to "a", which does not stand before/,
  ],
  ['an ACL as text', 'touch a; setfacl -m u:7:r a; tar --acls -cf $T a', /ACLs as text/],
  [
    'a file in the place of a full directory',
    'mkdir d; touch d/x y; tar -cf $T --transform s,^y,d, d y',
    /cannot replace a directory/,
  ],
]
for (const [what, script, expected] of hostile) {
  test(`importTar() refuses ${what}`, async (t) => {
    if (skipsWithoutRoot(t)) return
    const { repository, options } = await emptyRepository(t)
    const directory = temporaryDirectory(t)
    const file = `${directory}.tar`
    t.after(() => fs.rmSync(file, { force: true }))
    execFileSync('bash', ['-euc', script], { cwd: directory, env: { ...process.env, T: file }, stdio: 'pipe' })
    await assert.rejects(importTar(repository, file, options), (error) => {
      assert.ok(error instanceof ImageSourceInvalid)
      assert.match(error.message, expected)
      return true
    })
    assertNothingLeft(repository.directory)
  })
}

test('importTar() takes absolute names, and the later of two members, as tar does', async (t) => {
  if (skipsWithoutRoot(t)) return
  const { repository, options } = await emptyRepository(t)
  const directory = temporaryDirectory(t)
  const script =
    'echo old > f; tar -cPf t --transform s,^f,/etc/f, f; echo newer > f; tar -rPf t --transform s,^f,./etc//f, f'
  execFileSync('bash', ['-euc', script], { cwd: directory })
  const version = await importTar(repository, path.join(directory, 't'), options)
  const { entries } = await readTree(repository, version.id)
  assert.deepEqual(
    entries.map(({ path: name, type }) => `${type} ${name}`),
    ['directory ', 'directory etc', 'file etc/f'],
  )
  assert.equal(version.sizeBytes, 'newer\n'.length)
})

test('importTar() ends when it is aborted, and leaves nothing behind', async (t) => {
  if (skipsWithoutRoot(t)) return
  const { repository, options } = await emptyRepository(t)
  const file = makeTar(t, ...paxOptions)
  await assert.rejects(
    importTar(repository, file, { ...options, signal: AbortSignal.abort(new Error('enough')) }),
    /enough/,
  )
  assertNothingLeft(repository.directory)
})

test('a repository is whole whenever an import into it is killed', async (t) => {
  if (skipsWithoutRoot(t)) return
  const { repository, options } = await emptyRepository(t)
  const file = makeTar(t, ...paxOptions)
  const script = `
    import { importTar } from ${JSON.stringify(path.join(import.meta.dirname, 'import-tar.ts'))}
    import { loadSigningKey } from ${JSON.stringify(path.join(import.meta.dirname, 'signing-key.ts'))}
    const signingKey = await loadSigningKey('${shared!.directory}/keys')
    await importTar({ directory: '${repository.directory}' }, '${file}', { image: 'killed', signingKey })`
  const program = path.join(repository.directory, '../import.ts')
  fs.writeFileSync(program, script)
  for (let timeout = 60; timeout < 2000; timeout = Math.ceil(timeout * 1.35)) {
    const { signal } = spawnSync(process.execPath, [program], { timeout, killSignal: 'SIGKILL' })
    for (const version of await listVersions(repository)) {
      assert.equal(version.id, shared!.fromDirectory.id)
      await readTree(repository, version.id)
    }
    if (signal === null) break
  }
  const version = await importTar(repository, file, options)
  assert.equal(version.id, shared!.fromDirectory.id)
  assert.deepEqual(fs.readdirSync(path.join(repository.directory, 'staging')), [])
})

async function emptyRepository(t: TestContext) {
  const repository = await openRepository(path.join(temporaryDirectory(t), 'repository'))
  return { repository, options: { image: 'refused', signingKey: shared!.key } }
}

function assertNothingLeft(directory: string): void {
  for (const name of ['packs', 'versions', 'tags', 'staging']) {
    assert.deepEqual(fs.readdirSync(path.join(directory, name)), [], `${name} is not empty`)
  }
}
