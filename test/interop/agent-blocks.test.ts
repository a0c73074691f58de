import assert from 'node:assert/strict'
import { execFileSync, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { growAndMount, renewUuid } from '../../src/agent/blocks/settle-volume.ts'
import { verifyBlocks } from '../../src/agent/blocks/verify-blocks.ts'
import { DeviceRefused, writeBlocks } from '../../src/agent/blocks/write-blocks.ts'
import { setUpDisk } from '../../src/agent/blocks/written-disk.fixture.ts'
import { VersionServer } from '../../src/agent/version-server.fixture.ts'
import { importDirectory } from '../../src/image/import-directory.ts'
import {
  describeWithTools,
  makeNastyTree,
  skipsWithoutRoot,
  temporaryDirectory,
} from '../../src/image/nasty-tree.fixture.ts'
import { assertSameDescription, changeNastyTree } from '../../src/image/renditions/changed-tree.fixture.ts'
import { ensureRendition } from '../../src/image/renditions/ensure-rendition.ts'
import { type VolumeFilesystem, volumeFilesystems } from '../../src/image/renditions/rendition-name.ts'
import { openRepository } from '../../src/image/repository.ts'
import { openSigningKey } from '../../src/image/signing-key.ts'
import { attachLoopDevice } from './loop-device.ts'

/*
 * The agent's writer of blocks on loop devices with direct I/O, fed by a real repository over HTTP, judged by the
 * filesystems' own tools and kernels.
 */

const run = (program: string, ...args: string[]) => execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe' })

const checks = {
  ext4: ['e2fsck', '-fn'],
  xfs: ['xfs_repair', '-n'],
  btrfs: ['btrfs', 'check', '--readonly', '--check-data-csum'],
} as const satisfies Record<VolumeFilesystem, readonly string[]>

function check(filesystem: VolumeFilesystem, device: string): void {
  const [program, ...args] = checks[filesystem]
  run(program, ...args, device)
}

/** A repository that is served, and a directory whose versions it gets as volumes. */
async function setUpVolumes(t: TestContext, filesystem: VolumeFilesystem) {
  const directory = temporaryDirectory(t)
  const source = path.join(directory, 'source')
  fs.mkdirSync(source)
  const repository = await openRepository(path.join(directory, 'repository'))
  const signingKey = await openSigningKey(path.join(directory, 'keys'))
  const server = await new VersionServer(repository.directory).start()
  t.after(() => server.stop())
  const rendition = `volume-${filesystem}`
  const makeVersion = async () => {
    const { id: version } = await importDirectory(repository, source, { image: 'nasty', signingKey })
    const { blocks } = await ensureRendition(repository, version, { name: 'volume', filesystem }, { signingKey })
    const options = { baseUrl: server.baseUrl, image: 'nasty', version, imagePublicKey: signingKey.publicKey }
    return { blocks, options: { ...options, rendition } }
  }
  return { directory, source, server, signingKey, makeVersion }
}

/** A partition that is larger than the volume, with somebody else's bytes all over it. */
function makeDirtyDevice(t: TestContext, directory: string, sizeBytes: number): string {
  const file = path.join(directory, 'device')
  run('sh', '-c', `yes garbage | head -c ${sizeBytes} > "$1"`, 'sh', file)
  return attachLoopDevice(t, file)
}

async function withMount(t: TestContext, device: string, filesystem: string, work: (directory: string) => unknown) {
  const directory = temporaryDirectory(t)
  run('mount', '-t', filesystem, device, directory)
  try {
    await work(directory)
  } finally {
    run('umount', directory)
  }
}

/** Gives how many bytes the filesystem has now, and leaves it unmounted. */
async function grow(t: TestContext, device: string, filesystem: VolumeFilesystem): Promise<number> {
  const directory = temporaryDirectory(t)
  const open = async () => void run('mount', '-t', filesystem, device, directory)
  await growAndMount(device, filesystem, { directory, open })
  try {
    const { blocks, bsize } = fs.statfsSync(directory)
    return blocks * bsize
  } finally {
    run('umount', directory)
  }
}

const growthBytes = 256 * 2 ** 20

for (const filesystem of volumeFilesystems) {
  test(`writeBlocks() makes a ${filesystem} that grows, is the version's tree, and becomes the next version's`, async (t) => {
    if (skipsWithoutRoot(t)) return
    const { directory, source, makeVersion } = await setUpVolumes(t, filesystem)
    makeNastyTree(source, 1)
    if (filesystem === 'xfs') makeFitForXfs(source)
    const first = await makeVersion()
    const device = makeDirtyDevice(t, directory, first.blocks.sizeBytes + growthBytes)

    const written = await writeBlocks({ ...first.options, device })
    assert.equal(written.way.way, 'blind')
    await verifyBlocks({ device, blocks: first.blocks, share: 1 })
    check(filesystem, device)

    const uuid = randomUUID()
    await renewUuid(device, filesystem, uuid)
    assert.equal(run('blkid', '--probe', '-o', 'value', '-s', 'UUID', device).trim(), uuid)
    const sizeBytes = await grow(t, device, filesystem)
    assert.ok(sizeBytes > first.blocks.sizeBytes * 0.8 + growthBytes * 0.8, `it has ${sizeBytes} bytes`)
    await withMount(t, device, filesystem, (mounted) => {
      assertSameDescription(describeWithTools(mounted), describeWithTools(source))
      drift(mounted)
    })
    check(filesystem, device)

    changeNastyTree(source)
    const second = await makeVersion()
    const again = await writeBlocks({ ...second.options, device })
    t.diagnostic(
      `${filesystem}: ${again.way.because}; ${again.bytesFetched} bytes were fetched, at first ${written.bytesFetched}`,
    )
    assert.equal(again.way.discard, false)
    await verifyBlocks({ device, blocks: second.blocks, share: 1 })
    check(filesystem, device)
    await withMount(t, device, filesystem, (mounted) =>
      assertSameDescription(describeWithTools(mounted), describeWithTools(source)),
    )
  })
}

/** What XFS cannot hold. */
function makeFitForXfs(source: string): void {
  fs.rmSync(path.join(source, 'links/long')) // over XFS's 1024 bytes
  fs.rmSync(path.join(source, 'special/big-minor')) // over XFS's 18 bits
  run('mknod', path.join(source, 'special/big-minor'), 'b', '259', '200000')
}

/** A machine that was used. */
function drift(root: string): void {
  fs.writeFileSync(path.join(root, 'added'), 'by the machine'.repeat(100_000))
  const [victim] = fs.readdirSync(path.join(root, 'sizes'))
  fs.rmSync(path.join(root, 'sizes', victim!))
}

test('writeBlocks() that is killed at random moments is finished by the next one', async (t) => {
  if (skipsWithoutRoot(t)) return
  const { directory, source, server, signingKey, makeVersion } = await setUpVolumes(t, 'ext4')
  makeNastyTree(source, 2)
  for (let number = 0; number < 60; number++) fs.writeFileSync(path.join(source, `${number}`), noise(number))
  const { blocks, options } = await makeVersion()
  const device = makeDirtyDevice(t, directory, blocks.sizeBytes)
  const { imagePublicKey: _, ...order } = options
  const environment = JSON.stringify({ ...order, device, imagePublicKeyPem: signingKey.publicKeyPem })
  for (const requests of [10, 6, 6, 3, 3]) {
    const child = fork(new URL('./write-blocks-program.ts', import.meta.url), {
      env: { ...process.env, ORDER: environment },
    })
    let left = requests
    server.interfere = (request) => {
      if (request.url?.startsWith('/packs/') && --left === 0) child.kill('SIGKILL')
      return false
    }
    await once(child, 'exit')
  }
  server.interfere = () => false
  const result = await writeBlocks({ ...options, device })
  t.diagnostic(`${result.way.because}; ${result.bytesReused} bytes were there, ${result.bytesWritten} written`)
  await verifyBlocks({ device, blocks, share: 1 })
  check('ext4', device)
  await withMount(t, device, 'ext4', (mounted) =>
    assertSameDescription(describeWithTools(mounted), describeWithTools(source)),
  )
})

/** A MiB that does not compress. */
function noise(seed: number): Buffer {
  const bytes = Buffer.alloc(2 ** 20)
  let state = seed + 1
  for (let at = 0; at < bytes.length; at += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    bytes.writeInt32LE(state ^ (state >>> 13), at)
  }
  return bytes
}

test('writeBlocks() refuses to put a disk with sectors of 512 bytes on one of 4096, in words', async (t) => {
  if (skipsWithoutRoot(t)) return
  const { options, directory } = await setUpDisk(t)
  const file = path.join(directory, 'wide')
  fs.writeFileSync(file, Buffer.alloc(128 * 2 ** 20))
  const device = attachLoopDevice(t, file, ['--sector-size', '4096'])
  await assert.rejects(writeBlocks({ ...options, device }), (error) => {
    assert.ok(error instanceof DeviceRefused)
    assert.match(error.message, /sectors of 512 bytes and this disk has sectors of 4096; import it with --as-files/)
    return true
  })
})

test('writeBlocks() refuses a device that is mounted', async (t) => {
  if (skipsWithoutRoot(t)) return
  const { options, directory } = await setUpDisk(t)
  const file = path.join(directory, 'mounted')
  fs.writeFileSync(file, '')
  fs.truncateSync(file, 128 * 2 ** 20)
  const device = attachLoopDevice(t, file)
  run('mkfs.ext4', '-q', device)
  await withMount(t, device, 'ext4', () =>
    assert.rejects(writeBlocks({ ...options, device }), { name: 'DeviceFailed', message: /busy/ }),
  )
})
