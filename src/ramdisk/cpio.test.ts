import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { type ArchiveEntry, completeEntries, writeArchive } from './cpio.ts'

async function archive(entries: ArchiveEntry[]): Promise<Buffer> {
  const output = new PassThrough()
  const [bytes] = await Promise.all([buffer(output), writeArchive(entries, output)])
  return bytes
}

const script: ArchiveEntry = { kind: 'bytes', path: 'usr/bin/hi', mode: 0o755, bytes: Buffer.from('#!/bin/sh\n') }

test('writeArchive() writes newc headers with root as owner and no time', async () => {
  const bytes = await archive([script])
  assert.strictEqual(
    bytes.subarray(0, 116).toString('latin1'),
    `070701${'00000001'}${'000041ed'}${'00000000'.repeat(2)}${'00000002'}${'00000000'.repeat(6)}${'00000004'}${'00000000'}usr\0\0\0`,
  )
  assert.strictEqual(bytes.length % 4, 0)
})

test('writeArchive() writes what GNU cpio lists with its modes, targets and devices', async () => {
  const listing = execFileSync('cpio', ['-tv', '--numeric-uid-gid', '--quiet'], {
    env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' },
    input: await archive([
      script,
      { kind: 'symlink', path: 'bin', target: 'usr/bin' },
      { kind: 'device', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
    ]),
  }).toString()
  const lines = listing.trim().split('\n')
  assert.match(lines[0]!, /^lrwxrwxrwx .* bin -> usr\/bin$/)
  assert.match(lines[2]!, /^crw------- .* 5, +1 .* dev\/console$/)
  assert.match(lines[5]!, /^-rwxr-xr-x +1 0 +0 +10 Jan +1 +1970 usr\/bin\/hi$/)
})

test('writeArchive() gives the same bytes for the same entries in another order', async () => {
  const other: ArchiveEntry = { kind: 'bytes', path: 'etc/a', mode: 0o644, bytes: Buffer.from('a') }
  assert.deepStrictEqual(await archive([script, other]), await archive([other, script]))
})

test('writeArchive() copies files, and throws when one changed its size meanwhile', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-cpio-'))
  t.after(() => rm(directory, { recursive: true }))
  const source = join(directory, 'file')
  await writeFile(source, 'content')
  const bytes = await archive([{ kind: 'file', path: 'file', mode: 0o644, source, sizeBytes: 7 }])
  assert.ok(bytes.includes('content'))
  const output = new PassThrough().resume()
  const entry: ArchiveEntry = { kind: 'file', path: 'file', mode: 0o644, source, sizeBytes: 8 }
  await assert.rejects(writeArchive([entry], output), /changed from 8 to 7 bytes/)
})

test('writeArchive() throws when its output is closed before it has taken all', async () => {
  const output = new PassThrough() // nobody reads: the archive waits for room
  const bytes = Buffer.alloc(1024 * 1024)
  const writing = writeArchive([{ kind: 'bytes', path: 'large', mode: 0o644, bytes }], output)
  setTimeout(() => output.destroy(), 50)
  await assert.rejects(writing, { code: 'ERR_STREAM_PREMATURE_CLOSE' })
})

test('completeEntries() adds the directories above, before what is in them, and keeps given modes', () => {
  const entries = completeEntries([script, { kind: 'directory', path: 'usr', mode: 0o700 }])
  assert.deepStrictEqual(
    entries.map((entry) => [entry.path, entry.kind === 'directory' && entry.mode]),
    [
      ['usr', 0o700],
      ['usr/bin', 0o755],
      ['usr/bin/hi', false],
    ],
  )
})
