import assert from 'node:assert/strict'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { parseIpv4 } from '../bytes/ipv4.ts'
import type { Lease } from '../core/lease.ts'
import { type LeaseStore, LeaseWriteFailed, openLeaseStore } from './lease-store.ts'

function lease(client: string, address: string, expiresAt = 2000): Lease {
  return { client, address: parseIpv4(address), grantedAt: 1000, expiresAt }
}

async function openTemporary(t: TestContext): Promise<{ file: string; store: LeaseStore }> {
  const directory = await mkdtemp(join(tmpdir(), 'leases-'))
  const file = join(directory, 'leases.sqlite')
  const store = await openLeaseStore(file)
  t.after(async () => {
    await store.close()
    await rm(directory, { recursive: true })
  })
  return { file, store }
}

test('write() keeps leases over a restart of the store, the earliest granted first', async (t) => {
  const { file, store } = await openTemporary(t)
  await Promise.all([store.write(lease('a', '10.0.0.2', 3000)), store.write(lease('b', '10.0.0.1', 2000))])
  const again = await openLeaseStore(file)
  assert.deepEqual(
    (await again.load()).map((found) => ({ ...found })),
    [lease('b', '10.0.0.1', 2000), lease('a', '10.0.0.2', 3000)],
  )
  await again.close()
})

test('write() leaves an address one client, and load() gives the last granted last', async (t) => {
  const { store } = await openTemporary(t)
  await store.write(lease('a', '10.0.0.1'))
  await store.write(lease('b', '10.0.0.2'))
  await store.write({ ...lease('a', '10.0.0.2'), grantedAt: 1500 })
  assert.deepEqual(
    (await store.load()).map((found) => ({ ...found })),
    [lease('a', '10.0.0.1'), { ...lease('a', '10.0.0.2'), grantedAt: 1500 }],
  )
})

test('write() commits what arrives together in few transactions, in order', async (t) => {
  const { file, store } = await openTemporary(t)
  const address = (index: number): string => `10.0.${index >> 8}.${index & 255}`
  await Promise.all(Array.from({ length: 1000 }, (_, index) => store.write(lease('a', address(index)))))
  const all = await store.load()
  assert.deepEqual([all.length, all[999]?.address], [1000, parseIpv4(address(999))])
  // A transaction of its own for each would have put 1000 frames of a page into the log, and more.
  assert.ok((await stat(`${file}-wal`)).size < 200 * 4096)
})

test('write() rejects with LeaseWriteFailed when the database refuses, and works again afterwards', async (t) => {
  const { file, store } = await openTemporary(t)
  const operator = new DatabaseSync(file)
  t.after(() => operator.close())
  operator.exec(`CREATE TRIGGER full BEFORE INSERT ON lease BEGIN SELECT RAISE(ABORT, 'disk is full'); END`)
  await assert.rejects(store.write(lease('a', '10.0.0.1')), (error) => {
    assert.ok(error instanceof LeaseWriteFailed)
    assert.match(error.message, /^Cannot write to the lease database .*leases\.sqlite: disk is full$/)
    return true
  })
  operator.exec('DROP TRIGGER full')
  await store.write(lease('b', '10.0.0.2'))
  assert.equal((await store.load()).length, 1)
})

test('write() refuses more leases than may wait for the disk', async (t) => {
  const { store } = await openTemporary(t)
  const writes = Array.from({ length: 20_001 }, () => store.write(lease('a', '10.0.0.1')))
  const results = await Promise.allSettled(writes)
  assert.deepEqual(
    results.flatMap((result) => (result.status === 'rejected' ? [result.reason.name] : [])),
    ['LeaseWriteFailed'],
  )
})

test('openLeaseStore() says what file it cannot open', async () => {
  await assert.rejects(openLeaseStore('/nonexistent/leases.sqlite'), {
    name: 'LeaseWriteFailed',
    message: /^Cannot write to the lease database \/nonexistent\/leases\.sqlite: unable to open database file$/,
  })
})

test('write() rejects, and `ended` resolves, after close()', async (t) => {
  const { store } = await openTemporary(t)
  await store.close()
  await store.ended
  await assert.rejects(store.write(lease('a', '10.0.0.1')), LeaseWriteFailed)
})
