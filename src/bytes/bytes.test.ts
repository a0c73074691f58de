import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter, ByteWriterFull } from './byte-writer.ts'
import { DecodeError } from './decode-error.ts'
import { formatHex, parseHex } from './hex.ts'
import {
  broadcastAddress,
  formatIpv4,
  formatSubnet,
  ipv4FromBytes,
  ipv4ToBytes,
  netmask,
  parseIpv4,
  parseSubnet,
  subnetContains,
} from './ipv4.ts'
import { formatMacHyphen, macFromBytes, macToBytes, parseMac } from './mac.ts'
import { parseUuid, uuidFromBytes, uuidFromSmbiosBytes, uuidToBytes, uuidToSmbiosBytes } from './uuid.ts'

test('ByteReader reads what ByteWriter wrote', () => {
  const writer = new ByteWriter(16)
  writer.u8(0xfe)
  writer.u16(0xfedc)
  writer.u32(0xfedcba98)
  writer.putPadded(Uint8Array.of(1), 3)
  const reader = new ByteReader(writer.finish(), 'test')
  assert.deepEqual(
    [reader.u8(), reader.u16(), reader.u32(), [...reader.take(3)], reader.remaining],
    [0xfe, 0xfedc, 0xfedcba98, [1, 0, 0], 0],
  )
})

test('ByteReader names what and where when bytes end too soon', () => {
  const reader = new ByteReader(Uint8Array.of(1, 2, 3), 'a thing')
  reader.u16()
  assert.throws(() => reader.u32(), {
    name: 'DecodeError',
    message: 'Cannot decode a thing at byte 2: 4 bytes needed, 1 left',
  })
  assert.equal(reader.u8(), 3, 'a failed read takes nothing')
})

test('ByteWriter refuses what does not fit', () => {
  const writer = new ByteWriter(1)
  assert.throws(() => writer.u16(1), ByteWriterFull)
  assert.throws(() => writer.putPadded(Uint8Array.of(1, 2), 1), ByteWriterFull)
})

test('ByteWriter.finish() pads with zeros', () => {
  const writer = new ByteWriter(8)
  writer.u8(7)
  assert.deepEqual([...writer.finish(4)], [7, 0, 0, 0])
})

test('parseHex() is the inverse of formatHex() and refuses other text', () => {
  const bytes = Uint8Array.of(0, 1, 0xab, 0xff)
  assert.deepEqual(parseHex(formatHex(bytes)), bytes)
  assert.equal(formatHex(bytes, ':'), '00:01:ab:ff')
  for (const text of ['0', '0g', '00 11']) assert.throws(() => parseHex(text), DecodeError)
})

test('parseIpv4() accepts four numbers and nothing else', () => {
  assert.equal(formatIpv4(parseIpv4('255.254.0.9')), '255.254.0.9')
  for (const text of ['', '1.2.3', '1.2.3.256', '1.2.3.4.5', '1.2.3.4 ', '0x1.2.3.4']) {
    assert.throws(() => parseIpv4(text), DecodeError)
  }
})

test('ipv4FromBytes() is the inverse of ipv4ToBytes()', () => {
  assert.deepEqual([...ipv4ToBytes(parseIpv4('192.0.2.200'))], [192, 0, 2, 200])
  assert.equal(ipv4FromBytes(Uint8Array.of(9, 192, 0, 2, 200), 1), parseIpv4('192.0.2.200'))
  assert.throws(() => ipv4FromBytes(Uint8Array.of(1, 2, 3)), DecodeError)
})

test('parseSubnet() clears host bits and knows mask and broadcast', () => {
  const subnet = parseSubnet('10.1.2.3/23')
  assert.equal(formatSubnet(subnet), '10.1.2.0/23')
  assert.equal(formatIpv4(netmask(subnet)), '255.255.254.0')
  assert.equal(formatIpv4(broadcastAddress(subnet)), '10.1.3.255')
  assert.equal(subnetContains(subnet, parseIpv4('10.1.3.1')), true)
  assert.equal(subnetContains(subnet, parseIpv4('10.1.4.1')), false)
  assert.equal(formatIpv4(netmask(parseSubnet('0.0.0.0/0'))), '0.0.0.0')
  for (const text of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/x', '10.0.0/8']) {
    assert.throws(() => parseSubnet(text), DecodeError)
  }
})

test('parseMac() accepts both separators and either case', () => {
  const mac = parseMac('52-54-00-AB-cd-0F')
  assert.equal(mac, '52:54:00:ab:cd:0f')
  assert.equal(macFromBytes(macToBytes(mac)), mac)
  assert.equal(formatMacHyphen(mac), '52-54-00-ab-cd-0f')
  for (const text of ['', '52:54:00:ab:cd', '52:54:00:ab:cd:0g', '525400abcd0f']) {
    assert.throws(() => parseMac(text), DecodeError)
  }
  assert.throws(() => macFromBytes(new Uint8Array(8)), DecodeError)
})

test('uuidFromSmbiosBytes() swaps the first three fields', () => {
  const uuid = parseUuid('00112233-4455-6677-8899-AABBCCDDEEFF')
  assert.equal(formatHex(uuidToSmbiosBytes(uuid)), '33221100554477668899aabbccddeeff')
  assert.equal(uuidFromSmbiosBytes(uuidToSmbiosBytes(uuid)), uuid)
  assert.equal(uuidFromBytes(uuidToBytes(uuid)), uuid)
  assert.throws(() => uuidFromSmbiosBytes(new Uint8Array(15)), DecodeError)
  assert.throws(() => parseUuid('00112233445566778899aabbccddeeff'), DecodeError)
})
