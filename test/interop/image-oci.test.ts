import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { ImageSourceInvalid } from '../../src/image/image-source.ts'
import { importDirectory } from '../../src/image/import-directory.ts'
import { importOci, type OciOptions } from '../../src/image/import-oci.ts'
import { makeNastyTree, temporaryDirectory } from '../../src/image/nasty-tree.fixture.ts'
import { openRepository, type Repository, readTree } from '../../src/image/repository.ts'
import { openSigningKey, type SigningKey } from '../../src/image/signing-key.ts'
import { needs } from './image/needs.ts'
import { layerOf, OciLayout } from './image/oci-layout.ts'

type Setting = {
  directory: string
  repository: Repository
  key: SigningKey
  importId: (source: string, options?: Partial<OciOptions>) => Promise<string>
  run: (script: string) => string
}

async function setUp(t: TestContext): Promise<Setting> {
  const directory = temporaryDirectory(t)
  const repository = await openRepository(path.join(directory, 'repository'))
  const key = await openSigningKey(path.join(directory, 'keys'))
  const importId = async (source: string, options: Partial<OciOptions> = {}) =>
    (await importOci(repository, source, { image: 'oci', signingKey: key, platform: 'linux/amd64', ...options })).id
  const run = (script: string) =>
    execFileSync('bash', ['-euo', 'pipefail', '-c', script], {
      cwd: directory,
      stdio: 'pipe',
      maxBuffer: 1 << 28,
    }).toString()
  return { directory, repository, key, importId, run }
}

/** umoci's own unpacking is what an import is compared with. */
async function idByUmoci({ directory, repository, key, run }: Setting, layout: string, name: string): Promise<string> {
  run(`rm -rf by-umoci && umoci unpack --image '${layout}:${name}' by-umoci`)
  const options = { image: 'by-umoci', signingKey: key }
  return (await importDirectory(repository, path.join(directory, 'by-umoci/rootfs'), options)).id
}

test('importOci() makes what umoci unpacks, of layers that umoci made of a nasty tree and its changes', async (t) => {
  if (needs(t, { root: true, programs: ['umoci'] })) return
  const setting = await setUp(t)
  const { run, directory } = setting
  run('umoci init --layout layout && umoci new --image layout:v && umoci unpack --image layout:v bundle')
  const rootfs = path.join(directory, 'bundle/rootfs')
  makeNastyTree(rootfs, 5)
  // umoci reads and writes whole files, and follows what stands behind an ACL's mask as its mode.
  run(`cd bundle/rootfs && rm -f sparse/terabyte special/socket && setfacl -bk metadata/acl metadata/sticky`)
  run('umoci repack --refresh-bundle --image layout:v bundle')
  run(`cd bundle/rootfs && rm -r links random/* && rm sizes/copy-1* && mv names renamed && echo more >> sizes/size-513 &&
    rm -r metadata/read-only && ln -s sizes metadata/read-only && chown 5:6 metadata/xattrs && ln sizes/copy-2 copy-elsewhere`)
  run('umoci repack --refresh-bundle --image layout:v bundle')
  run('cd bundle/rootfs && rm -r deep && mkdir -p deep/new && echo back > deep/new/file && mv renamed names')
  run('umoci repack --image layout:v bundle')
  const layout = path.join(directory, 'layout')
  const expected = await idByUmoci(setting, layout, 'v')
  assert.equal(await setting.importId(layout), expected)

  await t.test('from every form that skopeo and umoci give it', async (t) => {
    if (needs(t, { root: true, programs: ['skopeo'] })) return
    const forms: [string, string][] = [
      ['oci-archive', 'oci-archive:oci.tar:v'],
      ['docker-archive', 'docker-archive:docker.tar:some/name:v'],
      ['dir', 'dir:directory'],
    ]
    for (const [what, target] of forms) {
      run(`skopeo copy -q oci:layout:v ${target}`)
      const file = target.split(':')[1]!
      const source = what === 'dir' ? `dir:${directory}/${file}` : path.join(directory, file)
      assert.equal(await setting.importId(source), expected, what)
    }
    run('skopeo copy -q --dest-compress-format zstd --dest-compress oci:layout:v oci:zstd:v && gzip -k docker.tar')
    assert.equal(await setting.importId(path.join(directory, 'zstd')), expected, 'zstd layers')
    assert.equal(
      await setting.importId(`docker-archive:${directory}/docker.tar.gz:some/name:v`),
      expected,
      'docker, gzip',
    )
    await assert.rejects(
      setting.importId(`docker-archive:${directory}/docker.tar:other:v`),
      /no image in it is other:v; there are .*some\/name:v/,
    )
  })

  await t.test('from a registry', async (t) => {
    if (needs(t, { root: true, programs: ['skopeo', 'docker-registry'] })) return
    const { port } = await startRegistry(t, directory)
    run(`skopeo copy -q --dest-tls-verify=false oci:layout:v docker://127.0.0.1:${port}/nasty:v`)
    const configuration = path.join(directory, '.config/containers')
    fs.mkdirSync(configuration, { recursive: true })
    fs.writeFileSync(
      `${configuration}/registries.conf`,
      `[[registry]]\nlocation = "127.0.0.1:${port}"\ninsecure = true\n`,
    )
    const home = process.env.HOME
    process.env.HOME = directory
    t.after(() => {
      process.env.HOME = home
    })
    assert.equal(await setting.importId(`docker://127.0.0.1:${port}/nasty:v`), expected)
    await assert.rejects(setting.importId(`docker://127.0.0.1:${port}/absent:v`), (error) => {
      assert.ok(error instanceof ImageSourceInvalid)
      assert.match(error.message, /absent:v: "skopeo .* ended with code 1: .*(manifest unknown|unknown)/s)
      return true
    })
    assert.deepEqual(fs.readdirSync(path.join(setting.repository.directory, 'staging')), [])
  })
})

async function startRegistry(t: TestContext, directory: string): Promise<{ port: number }> {
  const config = path.join(directory, 'registry.yml')
  fs.writeFileSync(
    config,
    `version: 0.1\nlog: {level: info, formatter: json}\nstorage: {filesystem: {rootdirectory: ${directory}/registry}}\nhttp: {addr: "127.0.0.1:0"}\n`,
  )
  const registry: ChildProcess = spawn('docker-registry', ['serve', config], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => registry.kill('SIGKILL'))
  let said = ''
  registry.stdout?.on('data', (part) => (said += part))
  registry.stderr?.on('data', (part) => (said += part))
  for (let tries = 0; tries < 200; tries++) {
    const [, port] = /listening on 127\.0\.0\.1:(\d+)/.exec(said) ?? []
    if (port) return { port: Number(port) }
    await wait(50)
  }
  throw new Error(`docker-registry did not start: ${said}`)
}

/** Scripts of layers; the version must be what umoci unpacks. */
const stacks: [string, [script: string, members?: string][]][] = [
  [
    'whiteouts before and behind what their own layer holds',
    [
      ['mkdir -p a/b c/d; echo 1 > a/b/f; echo 1 > a/g; echo 1 > c/d/h; echo 1 > k'],
      [
        'mkdir -p a/b c/d; echo 2 > a/n; touch a/b/.wh.f .wh.k; echo 2 > c/new; touch c/.wh..wh..opq',
        'a/b a/n .wh.k c/new c/.wh..wh..opq',
      ],
    ],
  ],
  [
    'hard links within a layer, one of them replaced later, and a link to an earlier layer',
    [
      ['echo 1 > a; ln a b; mkdir d; ln a d/c; chown 12:34 a; setfattr -n user.x -v y a'],
      ['echo 2 > b; echo x > q', 'b'],
      ['echo 3 > a; ln a e; ln a d-too', 'e d-too'],
    ],
  ],
  [
    'a directory in the place of a file, a file in the place of a directory, other metadata on what stays',
    [
      ['mkdir -p d/e; echo 1 > d/e/f; echo 1 > g; mkdir m; echo 1 > m/kept; chmod 700 m'],
      ['echo 2 > d; mkdir g; echo 2 > g/h; mkdir m; chmod 2755 m; chown 7:8 m; touch -d @1500000000.5 m', 'd g m'],
    ],
  ],
  [
    'files through a symlink of an earlier layer',
    [
      ['mkdir -p usr/lib usr/bin; ln -s usr/lib lib; ln -s /usr/bin bin; echo 1 > usr/lib/x'],
      ['mkdir lib bin; echo 2 > lib/y; echo 2 > bin/z; touch lib/.wh.x', 'lib/y bin/z lib/.wh.x'],
    ],
  ],
]
for (const [what, layers] of stacks) {
  for (const compression of ['gzip', 'zstd', undefined] as const) {
    if (compression !== 'gzip' && what !== stacks[0]![0]) continue
    test(`importOci() makes what umoci unpacks: ${what} (${compression ?? 'plain'})`, async (t) => {
      if (needs(t, { root: true, programs: ['umoci'] })) return
      const setting = await setUp(t)
      const at = (name: string) => path.join(setting.directory, name)
      const tars = layers.map(([script, members], number) => layerOf(at(`layer-${number}`), script, members))
      // umoci 0.4 cannot read zstd: it gets the same layers as gzip.
      new OciLayout(at('for-umoci')).add({ layers: tars, compression: 'gzip', name: 'v' })
      new OciLayout(at('layout')).add({ layers: tars, compression, name: 'v' })
      const id = await setting.importId(at('layout'))
      const expected = await idByUmoci(setting, at('for-umoci'), 'v')
      if (id !== expected) await showDifference(setting, id, expected)
    })
  }
}

async function showDifference({ repository }: Setting, id: string, expected: string): Promise<never> {
  const [ours, theirs] = await Promise.all([id, expected].map((version) => readTree(repository, version)))
  assert.deepEqual(ours!.entries, theirs!.entries)
  throw new assert.AssertionError({ message: 'the trees are equal but for their contents' })
}

test('importOci() takes the image of the platform that is wanted, and says which there are', async (t) => {
  const { directory, importId, repository } = await setUp(t)
  const layer = (name: string) => layerOf(path.join(directory, `layer-${name}`), `touch ${name}`)
  const layout = new OciLayout(path.join(directory, 'layout'))
  for (const [architecture, variant] of [['amd64'], ['arm64', 'v8'], ['arm', 'v6'], ['arm', 'v7']] as const) {
    const platform = { os: 'linux', architecture, ...(variant && { variant }) }
    layout.add({
      layers: [layer(`${architecture}${variant ?? ''}`)],
      compression: 'gzip',
      platform,
      isPlatformInIndex: architecture !== 'arm',
    })
  }
  layout.nest()
  const filesOf = async (platform: string) =>
    (await readTree(repository, await importId(layout.directory, { platform }))).entries.map((entry) => entry.path)
  assert.deepEqual(await filesOf('linux/amd64'), ['', 'amd64'])
  assert.deepEqual(await filesOf('linux/arm64'), ['', 'arm64v8'])
  assert.deepEqual(await filesOf('linux/arm64/v8'), ['', 'arm64v8'])
  assert.deepEqual(await filesOf('linux/arm/v7'), ['', 'armv7'])
  await assert.rejects(filesOf('linux/arm'), /holds 2 images \(sha256:\w+, sha256:\w+\); name the one/)
  await assert.rejects(
    filesOf('linux/s390x'),
    /it is for linux\/amd64, linux\/arm64\/v8, linux\/arm\/v6, linux\/arm\/v7, not for linux\/s390x/,
  )
  await assert.rejects(filesOf('Linux'), /"Linux" is no platform; give one as linux\/amd64/)
})

test('importOci() takes the image that is named, and keeps its configuration with the version', async (t) => {
  const { directory, repository, key } = await setUp(t)
  const layout = new OciLayout(path.join(directory, 'layout'))
  const layer = (name: string) => layerOf(path.join(directory, name), `echo ${name} > file`)
  const { manifest } = layout.add({ layers: [layer('one')], name: 'one' })
  layout.add({ layers: [layer('two')], name: 'two' })
  const options = { image: 'named', signingKey: key, platform: 'linux/amd64' }
  await assert.rejects(importOci(repository, layout.directory, options), /it holds 2 images \(one, two\); name the one/)
  await assert.rejects(
    importOci(repository, layout.directory, { ...options, reference: 'three' }),
    /no image in it is three; there are one, two/,
  )
  const one = await importOci(repository, layout.directory, { ...options, reference: 'one' })
  assert.equal((await importOci(repository, `oci:${layout.directory}:one`, options)).id, one.id)
  assert.equal((await importOci(repository, layout.directory, { ...options, reference: manifest })).id, one.id)
  assert.equal(one.source?.kind, 'oci')
  const config = JSON.parse(one.source?.config ?? '')
  assert.deepEqual(config, { digest: manifest, os: 'linux', architecture: 'amd64', config: { Cmd: ['/bin/true'] } })
})

/** What is done to a layout of one image, and what is said of it. */
const damages: [string, (layout: OciLayout, layer: string) => void, RegExp][] = [
  [
    'a layer of other bytes',
    (layout, layer) => flip(layout.blobFile(layer), 700),
    /layer 1 of 1 \(sha256:\w+\).*(should be sha256|damaged)/,
  ],
  [
    'a byte behind the end of its tar',
    (layout, layer) => flip(layout.blobFile(layer), -1),
    /should be sha256:\w+, and is sha256/,
  ],
  [
    'a layer cut short',
    (layout, layer) => fs.truncateSync(layout.blobFile(layer), 600),
    /has 600 bytes instead of \d+: it is truncated/,
  ],
  [
    'a layer that is not there',
    (layout, layer) => fs.rmSync(layout.blobFile(layer)),
    /blobs\/sha256\/\w+ is missing: it was copied in part/,
  ],
  [
    'a manifest of other bytes',
    (layout) => flip(layout.blobFile(manifestOf(layout)), 30),
    /blobs\/sha256\/\w+: it should be sha256/,
  ],
  [
    'an index that is cut',
    (layout) => fs.truncateSync(path.join(layout.directory, 'index.json'), 40),
    /OCI image index.*it is not JSON/,
  ],
  [
    'no index at all',
    (layout) => fs.rmSync(path.join(layout.directory, 'index.json')),
    /neither an index.json \(OCI layout\) nor a manifest.json/,
  ],
]

function flip(file: string, at: number): void {
  const bytes = fs.readFileSync(file)
  bytes[at < 0 ? bytes.length + at : at]! ^= 1
  fs.writeFileSync(file, bytes)
}

function manifestOf(layout: OciLayout): string {
  return JSON.parse(fs.readFileSync(path.join(layout.directory, 'index.json'), 'utf8')).manifests[0].digest
}

for (const [what, damage, expected] of damages) {
  test(`importOci() refuses ${what}, and leaves nothing behind`, async (t) => {
    const { directory, importId, repository } = await setUp(t)
    const layout = new OciLayout(path.join(directory, 'layout'))
    const { layers } = layout.add({ layers: [layerOf(path.join(directory, 'layer'), 'seq 2000 > numbers')] })
    damage(layout, layers[0]!)
    await assertRefused(importId(layout.directory), expected, repository)
    execFileSync('tar', ['-cf', `${layout.directory}.tar`, '-C', layout.directory, '.'])
    await assertRefused(importId(`${layout.directory}.tar`), expected, repository)
  })
}

test('importOci() refuses a layer that is no tar, and a layer that unpacks to something else', async (t) => {
  const { directory, importId, repository } = await setUp(t)
  const tar = layerOf(path.join(directory, 'layer'), 'touch a')
  const encrypted = new OciLayout(path.join(directory, 'encrypted'))
  encrypted.add({ layers: [tar], layerType: 'application/vnd.oci.image.layer.v1.tar+gzip+encrypted' })
  await assertRefused(importId(encrypted.directory), /its layer 1 is .*encrypted, not a tar/, repository)
  await assertRefused(
    importId(path.join(directory, 'nowhere')),
    /there is no such file or directory; an image of a registry is docker:/,
    repository,
  )
  fs.writeFileSync(path.join(directory, 'text'), 'no archive '.repeat(100))
  await assertRefused(
    importId(path.join(directory, 'text')),
    /byte 512 of the archive: .*damaged, or no tar/,
    repository,
  )
})

async function assertRefused(refused: Promise<unknown>, expected: RegExp, repository: Repository): Promise<void> {
  await assert.rejects(refused, (error) => {
    assert.ok(error instanceof ImageSourceInvalid, `${(error as Error).stack}`)
    assert.match(error.message, expected)
    return true
  })
  for (const name of ['packs', 'versions', 'tags', 'staging']) {
    assert.deepEqual(fs.readdirSync(path.join(repository.directory, name)), [], `${name} is not empty`)
  }
}
