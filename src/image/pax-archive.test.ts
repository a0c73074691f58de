import assert from 'node:assert/strict'
import fs, { createWriteStream } from 'node:fs'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { test } from 'node:test'
import { membersOf } from './group-members.ts'
import { importDirectory } from './import-directory.ts'
import { importTar } from './import-tar.ts'
import { makeNastyTree, skipsWithoutRoot, temporaryDirectory } from './nasty-tree.fixture.ts'
import { readChunkIndex } from './pack-index.ts'
import { paxArchive } from './pax-archive.ts'
import { StoredChunks } from './renditions/stored-chunks.ts'
import { TreeContents } from './renditions/tree-contents.ts'
import { openRepository, readTree } from './repository.ts'
import { openSigningKey } from './signing-key.ts'

test('paxArchive() of a version, imported again, is the same version', async (t) => {
  if (skipsWithoutRoot(t)) return
  const directory = temporaryDirectory(t)
  const source = path.join(directory, 'source')
  fs.mkdirSync(source)
  makeNastyTree(source, 7)
  fs.rmSync(path.join(source, 'sparse/terabyte')) // its zeros are written out
  const repository = await openRepository(path.join(directory, 'repository'))
  const signingKey = await openSigningKey(path.join(directory, 'keys'))
  const version = await importDirectory(repository, source, { image: 'nasty', signingKey })
  const tar = path.join(directory, 'nasty.tar')
  {
    await using stored = new StoredChunks(repository, await readChunkIndex(repository.directory))
    const tree = await readTree(repository, version.id)
    const options = { keepsAttribute: () => true, hasExactTimes: true }
    const archive = paxArchive(new TreeContents(tree, stored), membersOf(tree.entries), options)
    await pipeline(archive, createWriteStream(tar))
  }
  const again = await importTar(repository, tar, { image: 'again', signingKey })
  assert.equal(again.id, version.id)
})
