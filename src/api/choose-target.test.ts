import { test } from 'node:test'
import { chooseTarget, renditionToMake } from './choose-target.ts'

const debian = { source: { kind: 'tar' as const, name: 'debian.tar' }, entries: 8000 }
const source = { kind: 'disk' as const, name: 'debian.qcow2' }

test('chooseTarget() takes a volume of the filesystem for an empty root, where there is one', (t) => {
  const choose = (renditions: string[]) => chooseTarget({ filesystem: 'xfs' }, debian, renditions).rendition
  t.assert.equal(choose(['volume-ext4', 'volume-xfs']), 'volume')
  t.assert.equal(choose(['volume-ext4']), 'tree')
  t.assert.equal(chooseTarget({ rendition: 'tree' }, debian, ['volume-ext4']).rendition, 'tree')
})

test('chooseTarget() takes a foreign disk as a disk, and its files as a tree', (t) => {
  t.assert.equal(chooseTarget({}, { source, entries: 2 }, []).rendition, 'disk')
  t.assert.equal(chooseTarget({}, { source, entries: 8000 }, []).rendition, 'tree')
})

test('chooseTarget() refuses a foreign disk beside what is to be kept', (t) => {
  t.assert.throws(() => chooseTarget({ layout: 'unpartitioned' }, { source, entries: 2 }, []), /keeps nothing/)
})

test('renditionToMake() names what is missing', async (t) => {
  const volume = chooseTarget({ rendition: 'volume' }, debian, [])
  const having = (...renditions: string[]) => ({
    renditions: async () => renditions,
    firstKnown: async (versions: readonly string[]) => versions.find((version) => version !== 'forgotten'),
  })
  t.assert.equal(await renditionToMake(having('volume-xfs'), 'v', volume), 'volume-ext4')
  t.assert.equal(await renditionToMake(having('volume-ext4'), 'v', volume), undefined)
  t.assert.equal(await renditionToMake(having(), 'v', chooseTarget({}, debian, [])), undefined)
})

test('renditionToMake() names a stream against the newest version that machine and repository have', async (t) => {
  const images = { renditions: async () => ['btrfs'], firstKnown: async ([, second]: readonly string[]) => second }
  const onDisk = { keptVersions: ['c'.repeat(64), 'b'.repeat(64)] }
  const received = chooseTarget({ layout: 'receive' }, debian, [])
  t.assert.equal(await renditionToMake(images, 'd', received, onDisk), `btrfs-from-${'b'.repeat(64)}`)
  t.assert.equal(await renditionToMake(images, 'c'.repeat(64), received, onDisk), undefined, 'the disk has it')
  const whole = chooseTarget({ rendition: 'btrfs' }, debian, [])
  t.assert.equal(await renditionToMake({ ...images, firstKnown: async () => undefined }, 'd', whole, onDisk), undefined)
})
