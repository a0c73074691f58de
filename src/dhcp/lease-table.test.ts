import assert from 'node:assert/strict'
import { test } from 'node:test'
import { holding } from '../../test/fixtures/dhcp-request.ts'
import { formatIpv4, type Ipv4, parseIpv4, parseSubnet } from '../bytes/ipv4.ts'
import { LeaseTable } from './lease-table.ts'
import { makeSubnetConfig, type SubnetConfig } from './subnet-config.ts'

function config(first: string, last: string, rest: Partial<SubnetConfig> = {}): SubnetConfig {
  const pools = [{ first: parseIpv4(first), last: parseIpv4(last) }]
  const subnet = parseSubnet('10.0.0.0/15')
  return makeSubnetConfig({ subnet, serverAddress: parseIpv4('10.0.0.1'), httpPort: 4280, pools, ...rest })
}

const nobody = (): boolean => false

function pick(table: LeaseTable, now = 0, isReserved: (address: Ipv4) => boolean = nobody): string | undefined {
  const address = table.freeAddress(now, isReserved)
  return address && formatIpv4(address)
}

test('freeAddress() skips .0, .255, the server and the router', () => {
  const table = new LeaseTable(config('10.0.0.254', '10.0.1.3', { routers: [parseIpv4('10.0.1.1')] }))
  const given: (string | undefined)[] = []
  for (let client = 0; client < 4; client++) {
    const address = pick(table)
    given.push(address)
    if (address) table.put(holding(`c${client}`, address, { expiresAt: 100 }))
  }
  assert.deepEqual(given, ['10.0.0.254', '10.0.1.2', '10.0.1.3', undefined])
})

test('freeAddress() gives the longest ended lease when all were used, and its client loses it', () => {
  const table = new LeaseTable(config('10.0.0.10', '10.0.0.12'))
  table.put(holding('a', '10.0.0.10', { expiresAt: 300 }))
  table.put(holding('b', '10.0.0.11', { expiresAt: 100 }))
  table.put(holding('c', '10.0.0.12', { expiresAt: 200 }))
  assert.equal(pick(table, 99), undefined)
  assert.equal(pick(table, 250), '10.0.0.11')
  table.put(holding('d', '10.0.0.11', { expiresAt: 900 }))
  assert.equal(table.byClient('b'), undefined)
  assert.equal(table.byClient('d')?.address, parseIpv4('10.0.0.11'))
  assert.equal(pick(table, 250), '10.0.0.12')
})

test('freeAddress() does not give a lease that was renewed', () => {
  const table = new LeaseTable(config('10.0.0.10', '10.0.0.10'))
  table.put(holding('a', '10.0.0.10', { expiresAt: 100 }))
  table.put(holding('a', '10.0.0.10', { expiresAt: 1000 }))
  assert.equal(pick(table, 500), undefined)
  assert.equal(pick(table, 1000), '10.0.0.10')
})

test('freeAddress() gives a released lease at once', () => {
  const table = new LeaseTable(config('10.0.0.10', '10.0.0.10'))
  table.put(holding('a', '10.0.0.10', { expiresAt: 1000 }))
  table.end('a', 50)
  assert.equal(pick(table, 50), '10.0.0.10')
  assert.equal(table.byClient('a')?.address, parseIpv4('10.0.0.10'), 'until somebody else takes it')
})

test('freeAddress() passes reserved addresses over and finds them when they are free again', () => {
  const table = new LeaseTable(config('10.0.0.10', '10.0.0.11'))
  const reserved = (address: Ipv4): boolean => address === parseIpv4('10.0.0.10')
  assert.equal(pick(table, 0, reserved), '10.0.0.11')
  table.put(holding('a', '10.0.0.11', { expiresAt: 1000 }))
  assert.equal(pick(table, 0, reserved), undefined)
  assert.equal(pick(table, 0), '10.0.0.10')
})

test('put() ends what the client held elsewhere', () => {
  const table = new LeaseTable(config('10.0.0.10', '10.0.0.11'))
  table.put(holding('a', '10.0.0.10', { expiresAt: 1000 }))
  table.put(holding('a', '10.0.0.11', { expiresAt: 1000 }))
  assert.equal(table.holderOf(parseIpv4('10.0.0.10'), 1), undefined)
  assert.equal(pick(table, 1), '10.0.0.10')
})

test('a quarantined address is nobody’s until it ends', () => {
  const table = new LeaseTable(config('10.0.0.10', '10.0.0.10'))
  table.put(holding('a', '10.0.0.10', { expiresAt: 1000 }))
  table.put(holding('', '10.0.0.10', { state: 'quarantined', expiresAt: 700 }))
  assert.equal(table.byClient('a'), undefined)
  assert.equal(pick(table, 699), undefined)
  assert.equal(pick(table, 700), '10.0.0.10')
})

test('50,000 random moves keep the table true to a plain model', () => {
  const table = new LeaseTable(config('10.0.0.10', '10.0.0.40'))
  const model = new Map<string, { client: string; expiresAt: number }>()
  let seed = 1
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
    return (seed >>> 8) % below
  }
  for (let now = 1; now < 50_000; now++) {
    const client = `c${random(60)}`
    const address = pick(table, now)
    const free = [...model].filter(([, { expiresAt }]) => expiresAt <= now).length + 31 - model.size
    assert.equal(address === undefined, free === 0, `${address} with ${free} free at ${now}`)
    if (!address || random(4) === 0) {
      table.end(client, now)
      for (const entry of model.values()) if (entry.client === client) entry.expiresAt = Math.min(entry.expiresAt, now)
      continue
    }
    const known = model.get(address)
    assert.ok(!known || known.expiresAt <= now, `${address} is held by ${known?.client}`)
    for (const entry of model.values()) if (entry.client === client) entry.expiresAt = 0
    const expiresAt = now + random(100)
    table.put(holding(client, address, { expiresAt }))
    model.set(address, { client, expiresAt })
  }
})
