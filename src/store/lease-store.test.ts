import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { parseIpv4 } from '../bytes/ipv4.ts'
import type { Lease } from '../core/lease.ts'
import { type LeaseStore, LeaseWriteFailed, openLeaseStore } from './lease-store.ts'

function lease(client: string, address: string, expiresAt = 2000): Lease {
  return { client, address: parseIpv4(address), grantedAt: 1000, expiresAt }
}

function write(store: LeaseStore, given: Lease): Promise<void> {
  return promisify((callback: (error?: Error) => void) => store.write(given, callback))()
}

async function openTemporary(t: TestContext): Promise<{ file: string; store: LeaseStore }> {
  const directory = await mkdtemp(join(tmpdir(), 'leases-'))
  const file = join(directory, 'leases.journal')
  const store = await openLeaseStore(file)
  t.after(async () => {
    await store.close()
    await rm(directory, { recursive: true })
  })
  return { file, store }
}

test('write() keeps leases over a restart of the store, the earliest written first', async (t) => {
  const { file, store } = await openTemporary(t)
  const leases = [lease('a', '10.0.0.2', 3000), lease('b', '10.0.0.1', 2000)]
  await Promise.all(leases.map((each) => write(store, each)))
  const again = await openLeaseStore(file)
  assert.deepEqual(again.load(), leases)
  await again.close()
})

test('write() leaves an address one client, and load() gives the last written last', async (t) => {
  const { store } = await openTemporary(t)
  await write(store, lease('a', '10.0.0.2'))
  await write(store, lease('b', '10.0.0.1'))
  await write(store, { ...lease('c', '10.0.0.2'), grantedAt: 1500 })
  assert.deepEqual(store.load(), [lease('b', '10.0.0.1'), { ...lease('c', '10.0.0.2'), grantedAt: 1500 }])
})

test('write() keeps what arrives together in order', async (t) => {
  const { store } = await openTemporary(t)
  const address = (index: number): string => `10.0.${index >> 8}.${index & 255}`
  const leases = Array.from({ length: 1000 }, (_, index) => lease('a', address(index)))
  await Promise.all(leases.map((each) => write(store, each)))
  assert.deepEqual(store.load(), leases)
})

test('write() rejects with LeaseWriteFailed when the disk refuses, and works again afterwards', async (t) => {
  const { store } = await openTemporary(t)
  const limit = (bytes: string) => execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${bytes}:unlimited`])
  t.after(() => limit('unlimited'))
  limit('2000')
  await assert.rejects(write(store, lease('a', '10.0.0.1')), (error) => {
    assert.ok(error instanceof LeaseWriteFailed)
    assert.match(error.message, /^Cannot write to the lease journal .*leases\.journal: EFBIG: file too large, write$/)
    return true
  })
  limit('unlimited')
  await write(store, lease('b', '10.0.0.2'))
  assert.deepEqual(store.load(), [lease('b', '10.0.0.2')])
})

test('write() refuses more leases than may wait for the disk', async (t) => {
  const { store } = await openTemporary(t)
  const writes = Array.from({ length: 20_001 }, () => write(store, lease('a', '10.0.0.1')))
  const results = await Promise.allSettled(writes)
  assert.deepEqual(
    results.flatMap((result) => (result.status === 'rejected' ? [result.reason.name] : [])),
    ['LeaseWriteFailed'],
  )
})

test('openLeaseStore() says what file it cannot open', async () => {
  await assert.rejects(openLeaseStore('/nonexistent/leases.journal'), {
    name: 'LeaseWriteFailed',
    message: /^Cannot write to the lease journal \/nonexistent\/leases\.journal: ENOENT: no such file or directory/,
  })
})

test('write() rejects, and `ended` resolves, after close()', async (t) => {
  const { store } = await openTemporary(t)
  await store.close()
  await store.ended
  await assert.rejects(write(store, lease('a', '10.0.0.1')), LeaseWriteFailed)
})
