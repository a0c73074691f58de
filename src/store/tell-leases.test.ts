import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { parseIpv4 } from '../bytes/ipv4.ts'
import type { Lease } from '../core/lease.ts'
import { type LeaseStore, LeaseWriteFailed } from './lease-store.ts'
import { tellLeases } from './tell-leases.ts'

const lease: Lease = { address: parseIpv4('10.0.0.7'), client: '52:54:00:00:00:01', grantedAt: 1, expiresAt: 2 }
const ended = new Promise<void>(() => {})
const fixed: LeaseStore = { load: () => [], write: (_, written) => written(), ended, close: async () => {} }

test('tellLeases() tells of the leases of one turn together, after who wrote them', async () => {
  const story: string[] = []
  const store = tellLeases(fixed, (leases) => story.push(`${leases.length} told`))
  store.write(lease, () => story.push('written'))
  store.write(lease, () => story.push('written'))
  await nextTurn()
  await nextTurn()
  assert.deepEqual(story, ['written', 'written', '2 told'])
})

test('tellLeases() does not tell of a lease that is not on disk', async () => {
  const failure = new LeaseWriteFailed('leases.journal', 'the disk is full')
  const broken: LeaseStore = { ...fixed, write: (_, written) => written(failure) }
  const errors: unknown[] = []
  tellLeases(broken, () => assert.fail('told')).write(lease, (error) => errors.push(error))
  await nextTurn()
  await nextTurn()
  assert.deepEqual(errors, [failure])
})
