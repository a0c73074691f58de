import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { parseMac } from '../../bytes/mac.ts'
import type { ProgressReport } from '../../core/agent-protocol.ts'
import { seal } from '../../core/seal.ts'
import { temporaryDirectory } from '../../image/nasty-tree.fixture.ts'
import { ensureRendition } from '../../image/renditions/ensure-rendition.ts'
import { importDisk } from '../../image/renditions/import-disk.ts'
import { openRepository } from '../../image/repository.ts'
import { openSigningKey } from '../../image/signing-key.ts'
import type { DeployContext } from '../deploy-context.ts'
import { type LoopDisk, loopDisk } from '../disk/loop-disk.fixture.ts'
import { Mounts } from '../disk/mounts.ts'
import { readDiskContent } from '../inventory/read-partition-table.ts'
import { StepReporter } from '../step-reporter.ts'
import { VersionServer } from '../version-server.fixture.ts'
import { deployForeignDisk } from './deploy-foreign-disk.ts'

const mib = 2 ** 20
const imageBytes = 256 * mib
const diskBytes = 700 * mib
const rootStartBytes = 32 * mib

const run = (program: string, args: string[], input?: string) =>
  execFileSync(program, args, { encoding: 'utf8', input, stdio: 'pipe' })

/** As the clouds' images of Debian are: the root is partition 1 and the last on the disk. */
function makeCloudImage(directory: string, files: Record<string, string>): string {
  const tree = path.join(directory, 'tree')
  for (const [file, text] of Object.entries({ 'etc/os-release': 'ID=debian\n', 'var/x': '', 'usr/x': '', ...files })) {
    fs.mkdirSync(path.dirname(path.join(tree, file)), { recursive: true })
    fs.writeFileSync(path.join(tree, file), text, { mode: 0o755 })
  }
  const image = path.join(directory, 'image.raw')
  run('truncate', ['-s', String(imageBytes), image])
  const script = [
    'label: gpt',
    '14 : start=1MiB, size=3MiB, type=21686148-6449-6E6F-744E-656564454649',
    '15 : start=4MiB, size=28MiB, type=uefi',
    `1 : start=${rootStartBytes / mib}MiB, size=220MiB, type=linux`,
  ]
  run('sfdisk', ['--quiet', image], `${script.join('\n')}\n`)
  const offset = `offset=${rootStartBytes}`
  run('mkfs.ext4', ['-q', '-F', '-d', tree, '-E', offset, image, `${220 * 1024}k`])
  const fd = fs.openSync(image, 'r+')
  fs.writeSync(fd, Buffer.from('eb6390', 'hex'), 0, 3, 0) // a jump, as loaders begin
  fs.closeSync(fd)
  return image
}

type Setting = { loop: LoopDisk; context: DeployContext; reports: ProgressReport[] }

async function setUp(t: TestContext, files: Record<string, string>): Promise<Setting | undefined> {
  const loop = loopDisk(t, diskBytes, 512)
  if (loop === undefined) return undefined
  const directory = temporaryDirectory(t)
  const repository = await openRepository(path.join(directory, 'repository'))
  const signingKey = await openSigningKey(path.join(directory, 'keys'))
  const version = await importDisk(repository, makeCloudImage(directory, files), { image: 'cloud', signingKey })
  await ensureRendition(repository, version.id, { name: 'disk' }, { signingKey })
  const server = await new VersionServer(repository.directory).start()
  t.after(() => server.stop())
  const session = generateKeyPairSync('x25519')
  const reports: ProgressReport[] = []
  const context = {
    order: {
      deploymentId: 'd-1',
      machine: { id: 'm', name: 'cloud-1' },
      image: 'cloud',
      version: version.id,
      diskRule: {},
      verify: 'whole',
      sealed: seal(Buffer.from(JSON.stringify({ proofToken: 'the-token' })), session.publicKey),
    },
    inventory: { disks: [loop.attach()], firmware: 'bios', architecture: 'x64', interfaces: [] },
    session: { client: { baseUrl: server.baseUrl }, privateKey: session.privateKey },
    bootMac: parseMac('52:54:00:12:34:56'),
    imagePublicKey: signingKey.publicKey,
    reporter: new StepReporter(
      'd-1',
      async (report) => void reports.push(report),
      () => {},
    ),
    signal: new AbortController().signal,
    rootDirectory: path.join(directory, 'root'),
  } as unknown as DeployContext
  return { loop, context, reports }
}

/** Deploys, looks at the mounted root, and unmounts it as the agent does at its end. */
async function deploy({ context, loop, reports }: Setting, look: (root: string) => void): Promise<void> {
  await using mounts = new Mounts()
  await deployForeignDisk(context, mounts, loop.locate)
  await context.reporter.delivered()
  assert.deepEqual(
    reports.filter(({ state }) => state === 'done').map(({ step }) => step),
    ['select-disk', 'write', 'verify', 'grow', 'identity', 'boot-loader'],
  )
  look(context.rootDirectory)
  await mounts.unmountAll()
}

test('deployForeignDisk() moves the second GPT, grows the last partition, and seeds the cloud-init of the image', async (t) => {
  const setting = await setUp(t, { 'usr/bin/cloud-init': '#!/bin/sh\n', 'usr/lib/systemd/systemd': '#!/bin/sh\n' })
  if (setting === undefined) return
  const { loop, context } = setting
  await deploy(setting, (root) => {
    const read = (file: string) => fs.readFileSync(path.join(root, file), 'utf8')
    assert.equal(
      read('var/lib/cloud/seed/nocloud/meta-data'),
      'instance-id: "bootwright-d-1"\nlocal-hostname: "cloud-1"\n',
    )
    assert.match(read('var/lib/cloud/seed/nocloud/network-config'), /macaddress: "52:54:00:12:34:56"/)
    assert.match(read('etc/cloud/cloud.cfg.d/99-bootwright.cfg'), /datasource_list: \[NoCloud, None\]/)
    assert.equal(read('etc/hostname'), 'cloud-1\n')
    assert.equal(read('var/lib/bootwright/proof-token'), 'the-token\n')
    const { blocks, bsize } = fs.statfsSync(root)
    assert.ok(blocks * bsize > 550 * mib, `the root has ${blocks * bsize} bytes`)
  })
  const [disk] = context.inventory.disks
  const { table } = await readDiskContent(disk!.device, diskBytes)
  const root = table?.partitions.find(({ number }) => number === 1)
  assert.equal(root?.startBytes, rootStartBytes)
  assert.ok(root.startBytes + root.sizeBytes > diskBytes - 2 * mib, 'it reaches the end of the disk')
  run('sfdisk', ['--verify', disk!.device])
  const [partition] = (await loop.locate(disk!, { partitions: [root] }, context.signal)).values()
  run('e2fsck', ['-fn', partition!])
})

test('deployForeignDisk() makes an image without cloud-init this machine, as it would a tree', async (t) => {
  const setting = await setUp(t, { 'usr/sbin/ifup': '#!/bin/sh\n' })
  if (setting === undefined) return
  await deploy(setting, (root) => {
    assert.equal(fs.readFileSync(path.join(root, 'etc/hostname'), 'utf8'), 'cloud-1\n')
    assert.ok(fs.existsSync(path.join(root, 'etc/network/interfaces.d/bootwright')))
    assert.ok(!fs.existsSync(path.join(root, 'var/lib/cloud')))
  })
})

test('deployForeignDisk() says so when the disk has no loader for the firmware', async (t) => {
  const setting = await setUp(t, {})
  if (setting === undefined) return
  setting.context.inventory.firmware = 'uefi'
  await using mounts = new Mounts()
  const { context, loop } = setting
  // The ESP is there, and no filesystem on it.
  await assert.rejects(deployForeignDisk(context, mounts, loop.locate), { name: 'StepFailed', step: 'boot-loader' })
})

test('deployForeignDisk() runs before-partition hooks while the disk is as it was', async (t) => {
  const setting = await setUp(t, { 'usr/sbin/ifup': '#!/bin/sh\n' })
  if (setting === undefined) return
  const { context, loop, reports } = setting
  const script = '#!/bin/sh\nblkid "$BOOTWRIGHT_DISK" || echo empty\n'
  const scope = { kind: 'image', name: 'cloud' } as const
  const hooks = [{ scope, point: 'before-partition' as const, script, timeoutSeconds: 20 }]
  await using mounts = new Mounts()
  await deployForeignDisk({ ...context, setup: { hooks, variables: [], files: [] } }, mounts, loop.locate)
  await context.reporter.delivered()
  const steps = reports.filter(({ state }) => state === 'done').map(({ step }) => step)
  assert.deepEqual(steps.slice(0, 3), ['select-disk', 'before-partition', 'write'])
  assert.deepEqual(
    reports.flatMap(({ output }) => output?.lines ?? []),
    ['empty'],
  )
  await mounts.unmountAll()
})
