import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Layout } from '../core/layout.ts'
import { findReadyLayout } from '../core/ready-layouts.ts'
import { importDirectory } from '../image/import-directory.ts'
import { openRepository } from '../image/repository.ts'
import { openSigningKey } from '../image/signing-key.ts'
import type { DeployContext } from './deploy-context.ts'
import { type LoopDisk, loopDisk } from './disk/loop-disk.fixture.ts'
import { Mounts } from './disk/mounts.ts'
import { prepareDisk } from './prepare-disk.ts'
import { StepReporter } from './step-reporter.ts'
import { VersionServer } from './version-server.fixture.ts'
import { type ImageCounts, writeImage } from './write-image.ts'

type Order = { image: string; version: string; previousVersion?: string; layout: Layout }

/** The agent's steps up to verify, on the disk; `inside` is run while the root is mounted. */
async function write(
  loop: LoopDisk,
  order: Order,
  server: Pick<DeployContext, 'imagePublicKey'> & { baseUrl: string },
  inside: (root: string) => void,
): Promise<ImageCounts> {
  const disk = loop.attach()
  const reporter = new StepReporter(
    'd1',
    async () => {},
    () => {},
  )
  const context = {
    order: { diskRule: {}, rendition: 'tree', verify: 'whole', ...order },
    inventory: { disks: [disk], firmware: 'bios', architecture: 'x64' },
    session: { client: { baseUrl: server.baseUrl } },
    imagePublicKey: server.imagePublicKey,
    reporter,
    signal: new AbortController().signal,
    rootDirectory: join(loop.directory, 'root'),
  } as unknown as DeployContext
  await using mounts = new Mounts()
  try {
    const { filesystems } = await prepareDisk(context, mounts, loop.locate)
    const counts = await writeImage(context, filesystems.root, mounts)
    inside(context.rootDirectory)
    await mounts.unmountAll()
    return counts
  } finally {
    await mounts[Symbol.asyncDispose]()
    loop.detach()
  }
}

test('writeImage() makes a kept root the next version with what it has, and leaves kept paths alone', async (t) => {
  const loop = loopDisk(t, 4 * 2 ** 30, 512)
  if (loop === undefined) return
  const at = (name: string) => join(loop.directory, name)
  mkdirSync(at('source/etc'), { recursive: true })
  writeFileSync(at('source/large'), Buffer.alloc(3_000_000, 'content'))
  writeFileSync(at('source/etc/release'), '1')
  const repository = await openRepository(at('repository'))
  const signingKey = await openSigningKey(at('keys'))
  const server = await new VersionServer(repository.directory).start()
  t.after(() => server.stop())
  const { baseUrl } = server
  const from = { baseUrl, imagePublicKey: signingKey.publicKey }
  const { id: previousVersion } = await importDirectory(repository, at('source'), { image: 'x', signingKey })
  writeFileSync(at('source/etc/release'), '2')
  const { id: version } = await importDirectory(repository, at('source'), { image: 'x', signingKey })

  const whole = { image: 'x', version: previousVersion, layout: findReadyLayout('whole-disk')! }
  const first = await write(loop, whole, from, (root) => {
    writeFileSync(join(root, 'etc/drifted'), 'drift')
    mkdirSync(join(root, 'srv/own'), { recursive: true })
    rmSync(join(root, 'large'))
    writeFileSync(join(root, 'large'), Buffer.alloc(3_000_000, 'contenT'))
  })
  t.assert.deepEqual([first.bytesReused, first.bytesWritten], [0, 3_000_001])

  const update = findReadyLayout('update')!
  const partitions = update.partitions.map((one) => (one.role === 'root' ? { ...one, keptPaths: ['/srv/own'] } : one))
  const order = { image: 'x', version, previousVersion, layout: { ...update, partitions } }
  await write(loop, order, from, (root) => {
    t.assert.equal(readFileSync(join(root, 'etc/release'), 'utf8'), '2')
    t.assert.equal(readFileSync(join(root, 'large')).equals(readFileSync(at('source/large'))), true)
    t.assert.throws(() => readFileSync(join(root, 'etc/drifted')), { code: 'ENOENT' })
    t.assert.throws(() => readFileSync(join(root, 'srv/own')), { code: 'EISDIR' })
  })
  const last = await write(loop, order, from, () => {})
  t.assert.deepEqual([last.bytesReused, last.bytesWritten], [3_000_001, 0])
})
