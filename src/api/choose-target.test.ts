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
  const having = (...renditions: string[]) => ({ renditions: async () => renditions })
  t.assert.equal(await renditionToMake(having('volume-xfs'), 'v', volume), 'volume-ext4')
  t.assert.equal(await renditionToMake(having('volume-ext4'), 'v', volume), undefined)
  t.assert.equal(await renditionToMake(having(), 'v', chooseTarget({}, debian, [])), undefined)
})
