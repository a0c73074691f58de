import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { ImageSourceInvalid } from '../image-source.ts'
import { openManifest } from '../manifest-open.ts'
import { setTag } from '../move-tags.ts'
import { openRepository, type Repository, readTree, type Version } from '../repository.ts'
import { versionFile } from '../repository-layout.ts'
import { openSigningKey } from '../signing-key.ts'
import { smallVersions } from '../small-versions.fixture.ts'
import { SignatureRefused } from '../statement.ts'
import { exportVersion } from './export-version.ts'
import { importArchive } from './import-archive.ts'

const content = { 'etc/hostname': 'debian', 'usr/bin/large': randomBytes(600_000), 'usr/bin/small': 'small' }

/** A version at one site, its archive, and another site with another key. */
async function twoSites(t: TestContext) {
  const here = await smallVersions(t)
  await here.put('debian', { other: 'a version whose chunks do not belong in' })
  const version = await here.put('debian', content, 'from here')
  const archive = path.join(here.directory, 'debian.archive')
  fs.writeFileSync(archive, await exported(here.repository, version))
  const there = {
    repository: await openRepository(path.join(here.directory, 'there')),
    signingKey: await openSigningKey(path.join(here.directory, 'their-keys')),
  }
  return { here, there, version, archive }
}

async function exported(repository: Repository, { image, id: version }: Version): Promise<Buffer> {
  const parts: Buffer[] = []
  await exportVersion(repository, { image, version }, { write: (bytes) => void parts.push(bytes) })
  return Buffer.concat(parts)
}

function isEmpty({ directory }: Repository): boolean {
  return ['packs', 'versions', 'tags', 'staging'].every(
    (name) => fs.readdirSync(path.join(directory, name)).length === 0,
  )
}

test('importArchive() takes what a trusted site signed, signs it and keeps what was signed', async (t) => {
  const { here, there, version, archive } = await twoSites(t)
  const trusted = [here.signingKey.publicKey]
  const taken = await importArchive(there.repository, archive, { signingKey: there.signingKey, trusted })
  assert.deepEqual(taken, version)
  assert.deepEqual(await readTree(there.repository, taken.id), await readTree(here.repository, version.id))
  const [manifest, signatures, origin] = ['manifest', 'signatures', 'origin'].map((name) =>
    fs.readFileSync(versionFile(there.repository.directory, taken.id, name as 'manifest')),
  )
  const wanted = { version: taken.id, image: 'debian' }
  openManifest(manifest!, signatures!, there.signingKey.publicKey, wanted)
  openManifest(manifest!, origin!, here.signingKey.publicKey, wanted)
  assert.throws(() => openManifest(manifest!, signatures!, here.signingKey.publicKey, wanted), SignatureRefused)
})

test('exportVersion() of an imported version proves its first origin to a third site', async (t) => {
  const { here, there, archive } = await twoSites(t)
  const trusted = [here.signingKey.publicKey]
  const taken = await importArchive(there.repository, archive, { signingKey: there.signingKey, trusted })
  const again = path.join(here.directory, 'again.archive')
  fs.writeFileSync(again, await exported(there.repository, taken))
  const third = await openRepository(path.join(here.directory, 'third'))
  const signingKey = await openSigningKey(path.join(here.directory, 'third-keys'))
  assert.equal((await importArchive(third, again, { signingKey, trusted })).id, taken.id)
})

test('importArchive() refuses an unknown key by name, until it is ignored in so many words', async (t) => {
  const { there, version, archive } = await twoSites(t)
  const { repository, signingKey } = there
  await assert.rejects(importArchive(repository, archive, { signingKey, trusted: [] }), (error: Error) => {
    assert.ok(error instanceof SignatureRefused)
    assert.match(error.message, /give it with --trust, or take it unproved with --resign/)
    return true
  })
  assert.ok(isEmpty(repository))
  const options = { signingKey, trusted: [], isOriginIgnored: true, image: 'other', isCurrent: false }
  const taken = await importArchive(repository, archive, options)
  assert.deepEqual([taken.id, taken.image, taken.comment, taken.tags], [version.id, 'other', 'from here', []])
})

test('importArchive() at its own site gives back a version that was removed', async (t) => {
  const { here, version, archive } = await twoSites(t)
  const { repository, signingKey } = here
  assert.deepEqual(await importArchive(repository, archive, { signingKey, trusted: [] }), version)
  const empty = await openRepository(path.join(here.directory, 'empty'))
  assert.deepEqual(await importArchive(empty, archive, { signingKey, trusted: [] }), version)
  assert.equal(fs.existsSync(versionFile(empty.directory, version.id, 'origin' as 'manifest')), false)
})

test('exportVersion() gives the same bytes again, which tar lists and compressors may wrap', async (t) => {
  const { here, there, version, archive } = await twoSites(t)
  await setTag(here.repository, 'debian', 'stable')
  assert.ok((await exported(here.repository, version)).equals(fs.readFileSync(archive)))
  const names = execFileSync('tar', ['tf', archive], { encoding: 'utf8' })
  assert.deepEqual(names.split('\n'), ['archive', 'signatures', 'manifest', 'chunks-000001', ''])
  execFileSync('gzip', [archive])
  const options = { signingKey: there.signingKey, trusted: [here.signingKey.publicKey] }
  assert.equal((await importArchive(there.repository, `${archive}.gz`, options)).id, version.id)
})

test('importArchive() of a truncated or damaged archive says where and keeps nothing', async (t) => {
  const { here, there, archive } = await twoSites(t)
  const { signingKey, repository } = there
  const options = { signingKey, trusted: [here.signingKey.publicKey] }
  const bytes = fs.readFileSync(archive)
  const damaged = path.join(here.directory, 'damaged.archive')
  for (let at = 100; at < bytes.length - 1024; at += 29_989) {
    for (const [kind, wrong] of [
      ['cut', bytes.subarray(0, at)],
      ['flipped', flipped(bytes, at)],
    ] as const) {
      fs.writeFileSync(damaged, wrong)
      const error = await importArchive(repository, damaged, options).catch((refused: Error) => refused)
      assert.ok(error instanceof ImageSourceInvalid || error instanceof SignatureRefused, `${kind} at ${at}: ${error}`)
      assert.ok(isEmpty(repository), `${kind} at ${at}`)
    }
  }
})

test('importArchive() refuses a tar that is no archive', async (t) => {
  const { here, there } = await twoSites(t)
  const tar = path.join(here.directory, 'plain.tar')
  execFileSync('tar', ['cf', tar, '-C', here.directory, 'source'])
  const options = { signingKey: there.signingKey, trusted: [] }
  await assert.rejects(importArchive(there.repository, tar, options), /it is no archive of a version/)
})

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at]! ^= 1
  return copy
}
