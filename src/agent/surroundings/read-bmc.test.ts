import { test } from 'node:test'
import { DecodeError } from '../../bytes/decode-error.ts'
import { decodeBmcFirmware, decodeLanParameter, type LanParameter } from './lan-parameters.ts'
import { findLan } from './read-bmc.ts'

test('decodeLanParameter() reads address, source and MAC of an answer', (t) => {
  t.assert.equal(decodeLanParameter('address', Uint8Array.of(0, 0x11, 10, 0, 1, 20)), '10.0.1.20')
  t.assert.equal(decodeLanParameter('source', Uint8Array.of(0, 0x11, 2)), 'dhcp')
  t.assert.equal(decodeLanParameter('mac', Uint8Array.of(0, 0x11, 0, 0x25, 0x90, 1, 2, 3)), '00:25:90:01:02:03')
})

test('decodeLanParameter() gives nothing for a refusal, and for an address that is not set yet', (t) => {
  t.assert.equal(decodeLanParameter('address', Uint8Array.of(0x80)), undefined)
  t.assert.equal(decodeLanParameter('address', Uint8Array.of(0, 0x11, 0, 0, 0, 0)), undefined)
})

test('decodeLanParameter() refuses an answer that is too short', (t) => {
  t.assert.throws(() => decodeLanParameter('mac', Uint8Array.of(0, 0x11, 0, 0x25)), DecodeError)
  t.assert.throws(() => decodeLanParameter('mac', new Uint8Array()), DecodeError)
})

test('decodeBmcFirmware() reads the minor number as BCD', (t) => {
  t.assert.equal(decodeBmcFirmware(Uint8Array.of(0, 0x20, 0x81, 0x83, 0x45, 0x02)), '3.45')
  t.assert.equal(decodeBmcFirmware(Uint8Array.of(0xc1)), undefined)
})

/** A BMC with these channels. */
function bmc(channels: Record<number, Partial<Record<LanParameter, string>>>) {
  return async (channel: number, parameter: LanParameter) => channels[channel]?.[parameter]
}

test('findLan() takes the first channel with an address, before one that has none', async (t) => {
  const dedicated = { mac: '00:25:90:00:00:02', address: '10.0.1.20', source: 'dhcp' }
  const found = await findLan(bmc({ 1: { mac: '00:25:90:00:00:01', source: 'dhcp' }, 8: dedicated }))
  t.assert.deepEqual(found, dedicated)
})

test('findLan() gives the card without an address where no other has one, and nothing where there is no card', async (t) => {
  t.assert.deepEqual(await findLan(bmc({ 2: { mac: '00:25:90:00:00:01', source: 'dhcp' } })), {
    mac: '00:25:90:00:00:01',
    source: 'dhcp',
  })
  t.assert.deepEqual(await findLan(bmc({})), {})
})
