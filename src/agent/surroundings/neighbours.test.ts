import { test } from 'node:test'
import { firstFrame } from '../../../test/fixtures/first-frame.ts'
import { DecodeError } from '../../bytes/decode-error.ts'
import { decodeCdp } from './cdp.ts'
import { decodeLldp } from './lldp.ts'

const lldp = firstFrame('neighbours/lldpd.pcap').subarray(14)
const cdp = firstFrame('neighbours/lldpd-cdp.pcap').subarray(14)

/** One part of an LLDPDU (IEEE 802.1AB-2016 §8.4). */
function part(type: number, ...value: number[]): number[] {
  return [(type << 1) | (value.length >> 8), value.length & 0xff, ...value]
}

const text = (word: string) => [...Buffer.from(word)]
const timeToLive = part(3, 0, 120)

test('decodeLldp() reads the switch, its port and its address from what lldpd sends', (t) => {
  t.assert.deepEqual(decodeLldp(lldp), {
    protocol: 'lldp',
    chassis: '00:1b:21:3c:4d:5e',
    port: 'swp7',
    portDescription: 'rack 3, server 7',
    system: 'sw-3.example.test',
    managementAddress: '10.0.0.2',
  })
})

test('decodeCdp() reads the same from CDP', (t) => {
  t.assert.deepEqual(decodeCdp(cdp), {
    protocol: 'cdp',
    system: 'sw-3.example.test',
    port: 'rack 3, server 7',
    managementAddress: '10.0.0.2',
  })
})

test('decodeCdp() leaves every other frame with a length alone', (t) => {
  t.assert.equal(decodeCdp(Buffer.from('424203000000000000000000', 'hex')), undefined)
})

test('decodeLldp() reads identifiers of every form, IPv6 and the port’s VLAN', (t) => {
  const bytes = [
    ...part(1, 5, 1, 10, 0, 0, 9),
    ...part(2, 3, 0, 0x1b, 0x21, 1, 2, 3),
    ...timeToLive,
    ...part(8, 17, 2, 0xfe, 0x80, ...Array.from({ length: 13 }, () => 0), 7, 2, 0, 0, 0, 1, 0),
    ...part(127, 0x00, 0x80, 0xc2, 1, 0, 20),
    ...part(0),
    ...[0xff, 0xff, 0xff],
  ]
  t.assert.deepEqual(decodeLldp(Uint8Array.from(bytes)), {
    protocol: 'lldp',
    chassis: '10.0.0.9',
    port: '00:1b:21:01:02:03',
    managementAddress: 'fe80::7',
    vlan: 20,
  })
})

test('decodeLldp() makes names safe to print, and shows what is no text as digits', (t) => {
  const bytes = [
    ...part(1, 7, 1, 2),
    ...part(2, 7, ...text('1/7')),
    ...timeToLive,
    ...part(5, ...text('sw\u001b[31m-3\n')),
    ...part(0),
  ]
  const neighbour = decodeLldp(Uint8Array.from(bytes))
  t.assert.equal(neighbour?.system, 'sw [31m-3')
  t.assert.equal(neighbour?.chassis, '01:02')
})

test('decodeLldp() gives nothing for a switch that is going away', (t) => {
  const bytes = [...part(1, 4, 0, 0x1b, 0x21, 1, 2, 3), ...part(2, 7, ...text('7')), ...part(3, 0, 0), ...part(0)]
  t.assert.equal(decodeLldp(Uint8Array.from(bytes)), undefined)
})

test('decodeLldp() refuses parts in another order', (t) => {
  t.assert.throws(() => decodeLldp(Uint8Array.from([...part(2, 7, 49), ...timeToLive])), DecodeError)
})

for (const [name, bytes, decode] of [
  ['decodeLldp()', lldp, decodeLldp],
  ['decodeCdp()', cdp, decodeCdp],
] as const) {
  test(`${name} reads or refuses what was cut off at any byte`, (t) => {
    for (let length = 0; length < bytes.length; length++) {
      try {
        decode(bytes.subarray(0, length))
      } catch (error) {
        t.assert.equal((error as Error).name, 'DecodeError', `${length}: ${error}`)
      }
    }
  })
}
