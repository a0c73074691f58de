import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { writeXattr } from '../../linux/xattr.ts'
import { importDirectory } from '../import-directory.ts'
import type { Repository } from '../repository.ts'
import { type SmallVersions, smallVersions } from '../small-versions.fixture.ts'
import type { FileChange } from './compare-trees.ts'
import { diffVersions } from './diff-versions.ts'

async function diff(repository: Repository, before: string, after: string) {
  const files: FileChange[] = []
  const summary = await diffVersions(repository, before, after, { onFiles: (some) => void files.push(...some) })
  return { ...summary, list: files }
}

/** Imports a directory twice, with `change` made to it in between. */
async function twice(
  { directory, repository, signingKey }: SmallVersions,
  make: (at: string) => void,
  change: (at: string) => void,
) {
  const source = path.join(directory, 'tree')
  fs.mkdirSync(source)
  make(source)
  const one = await importDirectory(repository, source, { image: 'debian', signingKey })
  change(source)
  for (const name of fs.readdirSync(source))
    if (fs.lstatSync(path.join(source, name)).isFile()) fs.utimesSync(path.join(source, name), 1, 1)
  const two = await importDirectory(repository, source, { image: 'debian', signingKey })
  return diff(repository, one.id, two.id)
}

test('diffVersions() says of each path what changed', async (t) => {
  const inTree = (at: string) => (name: string) => path.join(at, name)
  const result = await twice(
    await smallVersions(t),
    (at) => {
      const file = inTree(at)
      for (const name of ['content', 'gone', 'mode', 'owner', 'same', 'type', 'xattr', 'linked'])
        fs.writeFileSync(file(name), name)
      for (const name of fs.readdirSync(at)) fs.utimesSync(file(name), 1, 1)
      fs.symlinkSync('here', file('symlink'))
    },
    (at) => {
      const file = inTree(at)
      fs.writeFileSync(file('content'), 'CONTENT')
      fs.rmSync(file('gone'))
      fs.chmodSync(file('mode'), 0o4755)
      if (process.geteuid?.() === 0) fs.chownSync(file('owner'), 5, 6)
      fs.rmSync(file('type'))
      fs.mkdirSync(file('type'))
      writeXattr(file('xattr'), Buffer.from('user.x'), Buffer.from('1'))
      fs.linkSync(file('linked'), file('linked2'))
      fs.rmSync(file('symlink'))
      fs.symlinkSync('there', file('symlink'))
      fs.writeFileSync(file('new'), 'new')
    },
  )
  const byPath = new Map(
    result.list.map(({ path, change, aspects }) => [path, aspects?.filter((one) => one !== 'time') ?? change]),
  )
  if (process.geteuid?.() !== 0) byPath.delete('owner')
  assert.deepEqual(Object.fromEntries(byPath), {
    '': [],
    content: ['content'],
    gone: 'removed',
    linked: ['links'],
    linked2: 'added',
    mode: ['mode'],
    new: 'added',
    ...(process.geteuid?.() === 0 && { owner: ['owner'] }),
    symlink: ['target'],
    type: ['type'],
    xattr: ['xattrs'],
  })
  assert.deepEqual([result.files.added, result.files.removed], [2, 1])
})

test('diffVersions() finds a file unchanged though the bundle it lies in changed', async (t) => {
  const { repository, put } = await smallVersions(t)
  const files = Object.fromEntries(
    Array.from({ length: 50 }, (_, at) => [`file-${String(at).padStart(2, '0')}`, `${at}`]),
  )
  const one = await put('debian', files)
  const two = await put('debian', { ...files, 'file-00': 'longer than before' })
  const { list, move } = await diff(repository, one.id, two.id)
  assert.deepEqual(list, [{ path: 'file-00', change: 'changed', type: 'file', sizeBytes: 18, aspects: ['content'] }])
  assert.equal(move.chunks, 1)
  assert.deepEqual((await diff(repository, one.id, one.id)).move, { chunks: 0, storedBytes: 0 })
})

test('diffVersions() compares the packages of dpkg', async (t) => {
  const { repository, put } = await smallVersions(t)
  const status = (version: string) =>
    `Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\n\n`
  const one = await put('debian', { 'var/lib/dpkg/status': status('5.1'), 'var/lib/rpm/Packages': 'an old database' })
  const two = await put('debian', {
    'var/lib/dpkg/status': `${status('5.2')}Package: zsh\nArchitecture: all\nVersion: 1\n`,
    'var/lib/dpkg/status.d/tzdata': 'Package: tzdata\nVersion: 2026a\n',
    'var/lib/dpkg/status.d/tzdata.md5sums': 'Package: nonsense\nVersion: 1\n',
  })
  const { packages, unreadPackages } = await diff(repository, one.id, two.id)
  assert.deepEqual(
    packages.map(({ change, name, before, after }) => [change, name, before, after]),
    [
      ['changed', 'bash', '5.1', '5.2'],
      ['added', 'tzdata', undefined, '2026a'],
      ['added', 'zsh', undefined, '1'],
    ],
  )
  const [unread] = unreadPackages
  assert.deepEqual([unread?.version, unread?.path], [one.id, 'var/lib/rpm/Packages'])
  assert.match(unread?.reason ?? '', /Berkeley DB/)
})
