import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIpv4 } from '../bytes/ipv4.ts'
import { parseMac } from '../bytes/mac.ts'
import { MemoryDirectory } from './directory.ts'
import type { BootRecord } from './machine.ts'

const macs = [parseMac('52:54:00:00:00:01'), parseMac('52:54:00:00:00:02')] as const
const address = parseIpv4('10.0.0.5')

function record(id: string, rest: Partial<BootRecord> = {}): BootRecord {
  return { id, name: id, macs: [macs[0]], group: 'default', intent: { kind: 'local', revision: 1 }, ...rest }
}

test('MemoryDirectory finds a machine by each MAC and by its reserved address', () => {
  const directory = new MemoryDirectory([record('a', { macs: [...macs], address: '10.0.0.5' })])
  assert.equal(directory.byMac(macs[1])?.id, 'a')
  assert.equal(directory.byReservedAddress(address)?.id, 'a')
})

test('MemoryDirectory.put() forgets what a machine no longer has', () => {
  const directory = new MemoryDirectory([record('a', { address: '10.0.0.5' })])
  directory.put(record('a', { macs: [macs[1]] }))
  assert.equal(directory.byMac(macs[0]), undefined)
  assert.equal(directory.byReservedAddress(address), undefined)
  assert.equal(directory.size, 1)
})

test('MemoryDirectory.delete() leaves a MAC that moved to another machine there', () => {
  const directory = new MemoryDirectory([record('a'), record('b')])
  directory.delete('a')
  assert.equal(directory.byMac(macs[0])?.id, 'b')
})

test('MemoryDirectory.replaceAll() holds exactly the records given', () => {
  const directory = new MemoryDirectory([record('a')])
  directory.replaceAll([record('b', { macs: [macs[1]] })])
  assert.deepEqual([directory.byMac(macs[0]), directory.byMac(macs[1])?.id], [undefined, 'b'])
})
