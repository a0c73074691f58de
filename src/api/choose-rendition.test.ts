import { test } from 'node:test'
import { chooseRendition } from './choose-rendition.ts'

const debian = { source: { kind: 'tar' as const, name: 'debian.tar' }, entries: 8000 }
const made = { content: 'made', filesystem: 'xfs' } as const

test('chooseRendition() takes a volume of the filesystem for an empty root, where there is one', (t) => {
  t.assert.equal(chooseRendition(debian, ['volume-ext4', 'volume-xfs'], made), 'volume')
  t.assert.equal(chooseRendition(debian, ['volume-ext4'], made), 'tree')
  t.assert.equal(chooseRendition(debian, ['volume-xfs'], { ...made, content: 'kept' }), 'tree')
})

test('chooseRendition() takes a foreign disk as a disk, and its files as a tree', (t) => {
  const source = { kind: 'disk' as const, name: 'debian.qcow2' }
  t.assert.equal(chooseRendition({ source, entries: 2 }, [], made), 'disk')
  t.assert.equal(chooseRendition({ source, entries: 8000 }, [], made), 'tree')
})
