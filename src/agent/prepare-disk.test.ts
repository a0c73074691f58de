import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Disk } from '../core/inventory.ts'
import type { Layout, LayoutPartition } from '../core/layout.ts'
import type { DeployRendition } from '../core/order.ts'
import type { ExistingPartition } from '../core/partition-table.ts'
import { findReadyLayout } from '../core/ready-layouts.ts'
import type { DeployContext } from './deploy-context.ts'
import { fillData } from './disk/fill-data.ts'
import { type LoopDisk, loopDisk } from './disk/loop-disk.fixture.ts'
import { Mounts } from './disk/mounts.ts'
import { readDiskContent } from './inventory/read-partition-table.ts'
import { type PreparedDisk, prepareDisk } from './prepare-disk.ts'
import { StepReporter } from './step-reporter.ts'

const gib = 2 ** 30

type Wish = { layout: Layout; rendition?: DeployRendition; firmware?: 'bios' | 'uefi' }

type During = (root: string, prepared: PreparedDisk) => void | Promise<void>

/** Prepares the disk as the agent does, runs `during` while the root is mounted, and detaches everything. */
async function prepare(loop: LoopDisk, wish: Wish, during: During = () => {}): Promise<PreparedDisk> {
  const disk = loop.attach()
  const { layout, rendition = 'tree', firmware = 'bios' } = wish
  const context = {
    order: { diskRule: {}, layout, rendition },
    inventory: { disks: [disk], firmware, architecture: 'x64' },
    reporter: new StepReporter(
      'd1',
      async () => {},
      () => {},
    ),
    signal: new AbortController().signal,
    rootDirectory: join(loop.directory, 'root'),
  } as unknown as DeployContext
  await using mounts = new Mounts()
  try {
    const prepared = await prepareDisk(context, mounts, loop.locate)
    await during(context.rootDirectory, prepared)
    await mounts.unmountAll()
    return prepared
  } finally {
    await mounts[Symbol.asyncDispose]()
    loop.detach()
  }
}

async function contentOf(loop: LoopDisk): Promise<Disk> {
  const disk = loop.attach()
  const content = await readDiskContent(disk.device, disk.sizeBytes)
  loop.detach()
  return { ...disk, ...content }
}

const own = (table: 'new' | 'kept', ...partitions: LayoutPartition[]): Layout => ({ name: 'own', table, partitions })
const loader: LayoutPartition[] = [{ role: 'bios-boot' }, { role: 'esp', size: '260 MiB' }]
const beside = own(
  'new',
  ...loader,
  { role: 'root', size: '1 GiB' },
  { role: 'data', size: '320 MiB', filesystem: 'ext4', label: 'home', mount: '/home' },
  { role: 'swap', size: '64 MiB' },
)
const ready = (name: string) => findReadyLayout(name)!
const withRoot = (layout: Layout, root: Partial<LayoutPartition>): Layout => ({
  ...layout,
  partitions: layout.partitions.map((partition) => (partition.role === 'root' ? { ...partition, ...root } : partition)),
})
const entry = ({ signature: _, ...rest }: ExistingPartition) => rest

for (const sectorBytes of [512, 4096] as const) {
  test(`prepareDisk() keeps what a layout keeps, entry and bytes, with ${sectorBytes}-byte sectors`, async (t) => {
    const loop = loopDisk(t, 4 * gib, sectorBytes)
    if (loop === undefined) return
    await prepare(loop, { layout: beside }, (root) => writeFileSync(join(root, 'old'), 'old'))
    const before = await contentOf(loop)
    const [, esp, root, home, swap] = before.table!.partitions as [never, ...ExistingPartition[]] & ExistingPartition[]
    t.assert.deepEqual(
      before.table!.partitions.map(({ signature }) => [signature?.type, signature?.label]),
      [
        [undefined, undefined],
        ['vfat', 'ESP'],
        ['ext4', 'root'],
        ['ext4', 'home'],
        ['swap', 'swap'],
      ],
    )
    const kept = [esp!, home!, swap!].map((partition) => loop.hash(partition))

    const again = await prepare(loop, { layout: ready('keep-home') }, (directory) => {
      t.assert.equal(existsSync(join(directory, 'old')), false, 'the root is new')
    })
    t.assert.notEqual(again.filesystems.root.uuid, root!.signature!.uuid)
    t.assert.equal(again.filesystems.root.device.startsWith('/dev/'), true)
    t.assert.deepEqual(
      again.filesystems.others.map((other) => [other.role, other.uuid]),
      [['data', home!.signature!.uuid]],
    )
    const update = await prepare(loop, { layout: ready('update') })
    t.assert.equal(update.filesystems.root.uuid, again.filesystems.root.uuid, 'a kept root keeps its UUID')

    await prepare(loop, { layout: withRoot(ready('unpartitioned'), { filesystem: 'xfs', label: 'second' }) })
    const after = await contentOf(loop)
    t.assert.deepEqual(after.table!.partitions.slice(0, 5).map(entry), before.table!.partitions.map(entry))
    t.assert.equal(after.table!.guid, before.table!.guid)
    t.assert.equal(after.table!.partitions[5]?.signature?.type, 'xfs')
    t.assert.deepEqual(
      [esp!, home!, swap!].map((partition) => loop.hash(partition)),
      kept,
      'kept and unnamed partitions have the bytes they had',
    )
  })
}

test('prepareDisk() writes nothing at all when the layout does not fit', async (t) => {
  const loop = loopDisk(t, 2 * gib, 512)
  if (loop === undefined) return
  await prepare(loop, { layout: beside })
  const whole = { startBytes: 0, sizeBytes: 2 * gib }
  const before = loop.hash(whole)
  await t.assert.rejects(prepare(loop, { layout: ready('receive') }), /no partition matches .*filesystem=btrfs/)
  await t.assert.rejects(
    prepare(loop, { layout: withRoot(ready('reformat'), { find: { label: 'nothing' } }) }),
    /no partition matches .*label=nothing/,
  )
  t.assert.equal(loop.hash(whole), before)
})

test('prepareDisk() refuses to keep a DOS table, in words and without a write, and replaces it where all is overwritten', async (t) => {
  const loop = loopDisk(t, 4 * gib, 512)
  if (loop === undefined) return
  const input = 'label: dos\nstart=2048, size=2097152, type=83, bootable\nstart=2099200, type=83\n'
  execFileSync('sfdisk', ['--quiet', loop.file], { input })
  const start = { startBytes: 0, sizeBytes: 2 ** 20 }
  const before = loop.hash(start)
  for (const name of ['reformat', 'unpartitioned', 'receive', 'keep-home']) {
    await t.assert.rejects(prepare(loop, { layout: ready(name) }), /partition table is dos; only a GPT can be kept/)
  }
  t.assert.equal(loop.hash(start), before)
  await prepare(loop, { layout: ready('whole-disk') })
  const { table } = await contentOf(loop)
  t.assert.equal(table?.kind, 'gpt')
  const [line] = execFileSync('wipefs', ['--noheadings', '--output', 'TYPE', loop.file], { encoding: 'utf8' }).split(
    '\n',
  )
  t.assert.equal(line, 'gpt', 'nothing of the old table is left')
})

test('prepareDisk() makes btrfs subvolumes once and keeps those that are there', async (t) => {
  const loop = loopDisk(t, 2 * gib, 512)
  if (loop === undefined) return
  const subvolumes = [
    { name: '@', mount: '/' },
    { name: '@home', mount: '/home' },
  ]
  const made = own('new', ...loader, { role: 'root', filesystem: 'btrfs', subvolumes })
  const first = await prepare(loop, { layout: made }, (root) => writeFileSync(join(root, 'file'), 'kept'))
  t.assert.equal(first.filesystems.root.subvolume, '@')
  const kept = own(
    'kept',
    { role: 'bios-boot', find: { type: 'bios-boot' } },
    { role: 'root', find: { filesystem: 'btrfs' }, subvolumes: [...subvolumes, { name: '@srv', mount: '/srv' }] },
  )
  const second = await prepare(loop, { layout: kept }, (root) => {
    t.assert.equal(execFileSync('cat', [join(root, 'file')], { encoding: 'utf8' }), 'kept')
  })
  t.assert.deepEqual(
    second.filesystems.others.map((other) => (other.role === 'data' ? [other.mount, other.subvolume] : [])),
    [
      ['/home', '@home'],
      ['/srv', '@srv'],
    ],
  )
})

test('prepareDisk() leaves the root blank for a volume and unmounted for a btrfs stream', async (t) => {
  const loop = loopDisk(t, 2 * gib, 512)
  if (loop === undefined) return
  const blank = await prepare(
    loop,
    { layout: own('new', ...loader, { role: 'root' }), rendition: 'volume' },
    (root) => {
      t.assert.throws(() => execFileSync('mountpoint', ['--quiet', root]))
    },
  )
  t.assert.equal(blank.filesystems.root.state, 'blank')
  t.assert.equal((await contentOf(loop)).table!.partitions[2]!.signature, undefined)
  const btrfs = own('new', ...loader, { role: 'root', filesystem: 'btrfs' })
  const received = await prepare(loop, { layout: btrfs, rendition: 'btrfs' })
  t.assert.deepEqual([received.filesystems.root.state, received.filesystems.root.content], ['unmounted', 'made'])
  const again = await prepare(loop, { layout: ready('receive'), rendition: 'btrfs' })
  t.assert.deepEqual([again.filesystems.root.state, again.filesystems.root.content], ['unmounted', 'received'])
  t.assert.equal(again.filesystems.root.uuid, received.filesystems.root.uuid)
})

test('fillData() begins a made data filesystem with what the version has there, and leaves a kept one alone', async (t) => {
  const loop = loopDisk(t, 2 * gib, 512)
  if (loop === undefined) return
  const { signal } = new AbortController()
  const person = (name: string): During => {
    return async (root, { filesystems }) => {
      mkdirSync(join(root, 'home', name), { recursive: true })
      t.assert.deepEqual(await fillData(root, filesystems, signal), name === 'first' ? ['/home'] : [])
    }
  }
  const first = await prepare(loop, { layout: beside }, person('first'))
  await prepare(loop, { layout: ready('keep-home') }, person('second'))
  const home = first.plan.partitions.find(({ role }) => role === 'data')!
  const devices = await loop.locate(loop.attach(), first.plan, signal)
  await using mounts = new Mounts()
  const directory = join(loop.directory, 'home')
  mkdirSync(directory)
  await mounts.mount(devices.get(home.number)!, directory, ['-o', 'ro'])
  t.assert.deepEqual(readdirSync(directory).sort(), ['first', 'lost+found'])
  await mounts.unmountAll()
})

test('readDiskContent() tells a whole-disk filesystem, and a GPT made for another sector size', async (t) => {
  const loop = loopDisk(t, 2 * gib, 512)
  if (loop === undefined) return
  t.assert.deepEqual((await contentOf(loop)).table, undefined)
  execFileSync('mkfs.ext4', ['-q', '-L', 'a "b" \\c', loop.file])
  const { table, signature } = await contentOf(loop)
  t.assert.deepEqual([table, signature?.type, signature?.label], [undefined, 'ext4', 'a "b" \\c'])
  await prepare(loop, { layout: beside })
  const device = execFileSync('losetup', ['--find', '--show', '--sector-size', '4096', loop.file], {
    encoding: 'utf8',
  }).trim()
  t.after(() => execFileSync('losetup', ['--detach', device]))
  t.assert.equal((await readDiskContent(device, 2 * gib)).table?.kind, 'gpt-of-another-sector-size')
})
