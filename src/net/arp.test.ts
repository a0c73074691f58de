import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIpv4 } from '../bytes/ipv4.ts'
import { parseMac } from '../bytes/mac.ts'
import { decodeArpSender, encodeArpProbe } from './arp.ts'

/** RFC 5227 §1.1, and the answer of a machine that has the address. */
const probe =
  'ffffffffffff 525400770001 0806 0001 0800 06 04 0001 525400770001 00000000 000000000000 0a4d0009'.padEnd(95) +
  '00'.repeat(18)
const answer = '525400770001 525400770002 0806 0001 0800 06 04 0002 525400770002 0a4d0009 525400770001 00000000'

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')

test('encodeArpProbe() asks everybody, and says of itself nothing but its MAC', () => {
  const frame = encodeArpProbe(parseMac('52:54:00:77:00:01'), parseIpv4('10.77.0.9'))
  assert.equal(Buffer.from(frame).toString('hex'), bytes(probe).toString('hex'))
})

test('decodeArpSender() gives whose address it is, and 0.0.0.0 for a probe', () => {
  assert.deepEqual(decodeArpSender(bytes(answer)), {
    mac: parseMac('52:54:00:77:00:02'),
    address: parseIpv4('10.77.0.9'),
  })
  assert.equal(decodeArpSender(bytes(probe))?.address, 0)
})

test('decodeArpSender() takes nothing that is shorter, or not about IPv4 on Ethernet', () => {
  assert.equal(decodeArpSender(bytes(answer).subarray(0, 41)), undefined)
  assert.equal(decodeArpSender(bytes(answer.replace('0800 06', '86dd 06'))), undefined)
})
