import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Ipv4 } from '../bytes/ipv4.ts'
import type { Lease } from '../core/lease.ts'
import { LeaseJournal, NoLeaseJournal, readLeaseJournal } from './lease-journal.ts'
import { decodeLeaseRecord, encodeLeaseRecord, leaseRecordBytes, longestRecordBytes } from './lease-record.ts'

function lease(number: number, client = `02:00:00:00:00:${number}`): Lease {
  return { address: number as Ipv4, client, grantedAt: 1_800_000_000_123 + number, expiresAt: 1_800_003_600_123 }
}

function recordOf(given: Lease): Buffer {
  const bytes = Buffer.alloc(longestRecordBytes, 0xff)
  return bytes.subarray(0, encodeLeaseRecord(given, bytes, 0))
}

function temporaryFile(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'journal-'))
  t.after(() => rmSync(directory, { recursive: true }))
  return join(directory, 'leases.journal')
}

function fill(file: string, leases: Iterable<Lease>): LeaseJournal {
  const journal = new LeaseJournal(file)
  for (const each of leases) journal.append(recordOf(each))
  return journal
}

test('encodeLeaseRecord() is undone by decodeLeaseRecord(), with a client of any length', () => {
  for (const client of ['', '02:00:00:00:00:01', `id:${'ff'.repeat(255)}`]) {
    const record = recordOf(lease(0xffffffff, client))
    assert.equal(leaseRecordBytes(record, 0), record.length)
    assert.deepEqual(decodeLeaseRecord(record, 0), lease(0xffffffff, client))
  }
})

test('leaseRecordBytes() finds a record damaged when any bit of it is another', () => {
  const record = recordOf(lease(7))
  for (let bit = 0; bit < 44 * 8; bit++) {
    record[bit >> 3]! ^= 1 << (bit & 7)
    assert.equal(leaseRecordBytes(record, 0), undefined, `bit ${bit}`)
    record[bit >> 3]! ^= 1 << (bit & 7)
  }
})

test('readLeaseJournal() has every record that was appended, wherever the file is cut behind it', (t) => {
  const file = temporaryFile(t)
  const leases = [lease(1), lease(2, `id:${'ab'.repeat(100)}`), lease(3)]
  fill(file, leases).close()
  const ends = [128, 128 + 256, 192 + 256]
  for (let sizeBytes = 192 + 256 + 70; sizeBytes >= 64; sizeBytes--) {
    truncateSync(file, sizeBytes)
    const whole = leases.slice(0, ends.filter((end) => end <= sizeBytes).length)
    assert.deepEqual(readLeaseJournal(file), whole, `${sizeBytes} bytes`)
  }
})

test('LeaseJournal goes on behind a torn write, and what was before it stays', (t) => {
  const file = temporaryFile(t)
  fill(file, [lease(1)]).close()
  const bytes = readFileSync(file)
  recordOf(lease(2, `id:${'ab'.repeat(255)}`)).copy(bytes, 128, 0, 320)
  writeFileSync(file, bytes)
  fill(file, [lease(3)]).close()
  assert.deepEqual(readLeaseJournal(file), [lease(1), lease(3)])
})

test('readLeaseJournal() loses one record to a damaged byte, not those behind it', (t) => {
  const file = temporaryFile(t)
  fill(file, [lease(1), lease(2), lease(3)]).close()
  const bytes = readFileSync(file)
  bytes[128 + 30]! ^= 1
  writeFileSync(file, bytes)
  assert.deepEqual(readLeaseJournal(file), [lease(1), lease(3)])
})

test('LeaseJournal refuses a file that is something else, and leaves it', (t) => {
  const file = temporaryFile(t)
  writeFileSync(file, 'SQLite format 3\0'.padEnd(4096, 'x'))
  assert.throws(() => new LeaseJournal(file), NoLeaseJournal)
  assert.equal(statSync(file).size, 4096)
})

test('LeaseJournal.compact() keeps the last lease of each address and what is appended meanwhile', async (t) => {
  const file = temporaryFile(t)
  const journal = new LeaseJournal(file)
  const rounds = Array.from({ length: 200 }, (_, round) => {
    return Array.from({ length: 400 }, (_, index) => lease(index, `02:00:00:00:${round % 90}:${index % 90}`))
  })
  for (const leases of rounds) journal.append(Buffer.concat(leases.map(recordOf)))
  assert.ok(journal.needsCompaction, 'it is longer than 4 MB')
  const before = statSync(file).size
  const compacting = journal.compact()
  assert.ok(!journal.needsCompaction, 'it is under way')
  let appended = 0
  let isDone = false
  void compacting.then(() => (isDone = true))
  while (!isDone) {
    journal.append(recordOf(lease(1000 + appended++)))
    await new Promise((resolve) => setImmediate(resolve))
  }
  journal.append(recordOf(lease(5)))
  journal.close()
  const last = rounds.at(-1)!.filter(({ address }) => address !== 5)
  const meanwhile = Array.from({ length: appended }, (_, index) => lease(1000 + index))
  assert.ok(appended > 1, 'appending went on')
  assert.deepEqual(readLeaseJournal(file), [...last, ...meanwhile, lease(5)])
  assert.ok(statSync(file).size < before / 2)
  assert.deepEqual(readdirSync(join(file, '..')), ['leases.journal'])
})
