import { test } from 'node:test'
import type { Tree, TreeEntry } from '../image/tree.ts'
import { isKept, KeptPathLinked, leadsToKept, withoutKeptPaths } from './kept-paths.ts'

const metadata = { mode: 0o755, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanoseconds: 0, xattrs: [] }

function tree(entries: TreeEntry[]): Tree {
  return { entries, chunks: { count: 0, ids: Buffer.alloc(0), sizes: new Uint32Array(0) }, sizeBytes: 0 }
}

const directory = (path: string): TreeEntry => ({ type: 'directory', path, ...metadata })

test('withoutKeptPaths() leaves out what is at and below them, and nothing that only begins alike', (t) => {
  const whole = tree(['', 'home', 'home/user', 'homes', 'srv', 'srv/data'].map(directory))
  const paths = withoutKeptPaths(whole, ['home', 'srv/data']).entries.map(({ path }) => path)
  t.assert.deepEqual(paths, ['', 'homes', 'srv'])
})

test('withoutKeptPaths() refuses a hard link that leads to a kept path', (t) => {
  const first: TreeEntry = { type: 'fifo', path: 'home/fifo', group: 0, ...metadata }
  const link: TreeEntry = { type: 'link', path: 'opt/fifo', group: 0 }
  const whole = tree([directory(''), directory('home'), first, directory('opt'), link])
  t.assert.throws(() => withoutKeptPaths(whole, ['home']), KeptPathLinked)
  t.assert.equal(withoutKeptPaths(whole, ['srv']).entries.length, 5)
})

test('leadsToKept() knows the way to a kept path, isKept() what is below it', (t) => {
  t.assert.deepEqual([leadsToKept('srv', ['srv/data']), isKept('srv', ['srv/data'])], [true, false])
  t.assert.deepEqual([leadsToKept('srv/data/x', ['srv/data']), isKept('srv/data/x', ['srv/data'])], [true, true])
  t.assert.deepEqual([leadsToKept('srv/d', ['srv/data']), isKept('srv/d', ['srv/data'])], [false, false])
})
