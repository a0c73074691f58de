import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DecodeError } from '../bytes/decode-error.ts'
import { decodePacket, encodePacket, type TftpPacket } from './packet.ts'

const packets: TftpPacket[] = [
  { kind: 'rrq', filename: 'ipxe/undionly.kpxe', mode: 'octet', options: new Map() },
  // OVMF 2022.11's first request.
  {
    kind: 'rrq',
    filename: 'ipxe/snponly.efi',
    mode: 'octet',
    options: new Map([
      ['tsize', '0'],
      ['blksize', '1468'],
      ['windowsize', '4'],
    ]),
  },
  { kind: 'wrq', filename: 'x', mode: 'netascii', options: new Map([['blksize', '512']]) },
  { kind: 'data', block: 65535, data: Buffer.from('abc') },
  { kind: 'data', block: 1, data: Buffer.alloc(0) },
  { kind: 'ack', block: 0 },
  { kind: 'error', code: 8, message: 'User aborted the transfer' },
  { kind: 'oack', options: new Map([['tsize', '74213']]) },
]

for (const packet of packets) {
  test(`decodePacket() reads the ${packet.kind} that encodePacket() wrote`, () => {
    assert.deepEqual(decodePacket(encodePacket(packet)), packet)
  })

  test(`decodePacket() survives a ${packet.kind} cut at every byte`, () => {
    const whole = encodePacket(packet)
    for (let length = 0; length < whole.length; length++) {
      try {
        decodePacket(whole.subarray(0, length))
      } catch (error) {
        assert.ok(error instanceof DecodeError, `${length} bytes: ${error}`)
      }
    }
  })
}

test('decodePacket() ignores the case of mode and option names, and the second of two equal options', () => {
  const packet = decodePacket(Buffer.from('\0\u0001f\0OcTet\0BLKSIZE\u00001400\0blksize\u00008\0'))
  assert.deepEqual(packet, { kind: 'rrq', filename: 'f', mode: 'octet', options: new Map([['blksize', '1400']]) })
})

test('decodePacket() reads an ERROR without message or NUL', () => {
  assert.deepEqual(decodePacket(Buffer.from([0, 5, 0, 0])), { kind: 'error', code: 0, message: '' })
  assert.deepEqual(decodePacket(Buffer.from([0, 5, 0, 0, 0x78])), { kind: 'error', code: 0, message: 'x' })
})

test('decodePacket() refuses opcodes that are none', () => {
  assert.throws(() => decodePacket(Buffer.from([0, 7, 0, 0])), /opcode 7/)
})
