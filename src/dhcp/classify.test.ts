import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeContext, makeRequest } from '../../test/fixtures/dhcp-request.ts'
import { DecodeError } from '../bytes/decode-error.ts'
import { classify } from './classify.ts'
import { Option } from './option.ts'
import { encodeText } from './options.ts'

type Row = [criterion: string, options: [number, Uint8Array][], expected: string]

const pxe: [number, Uint8Array] = [Option.vendorClass, encodeText('PXEClient:Arch:00007:UNDI:003000')]
const http: [number, Uint8Array] = [Option.vendorClass, encodeText('HTTPClient:Arch:00016:UNDI:003000')]
const arch = (...numbers: number[]): [number, Uint8Array] => [
  Option.clientArchitecture,
  Uint8Array.from(numbers.flatMap((number) => [0, number])),
]
const userClass = (text: string): [number, Uint8Array] => [Option.userClass, encodeText(text)]

const rows: Row[] = [
  ['knows BIOS PXE', [pxe, arch(0)], 'bios-pxe bios x86: option 93 = 0 and no iPXE user class'],
  ['knows UEFI PXE by 7', [pxe, arch(7)], 'uefi-pxe uefi x64: option 93 = 7 and no iPXE user class'],
  ['takes 9 for x64', [pxe, arch(9)], 'uefi-pxe uefi x64: option 93 = 9 and no iPXE user class'],
  ['knows 32-bit UEFI', [pxe, arch(6)], 'uefi-pxe uefi ia32: option 93 = 6 and no iPXE user class'],
  ['knows ARM64', [pxe, arch(11)], 'uefi-pxe uefi arm64: option 93 = 11 and no iPXE user class'],
  ['knows UEFI HTTP boot', [http, arch(16)], 'uefi-http uefi x64: option 93 = 16 and no iPXE user class'],
  ['knows UEFI HTTP boot on ARM64', [http, arch(19)], 'uefi-http uefi arm64: option 93 = 19 and no iPXE user class'],
  [
    'takes the first supported of several',
    [pxe, arch(27, 7)],
    'uefi-pxe uefi x64: option 93 = 27, 7 and no iPXE user class',
  ],
  [
    'reads the architecture from option 60 without 93',
    [pxe],
    'uefi-pxe uefi x64: no option 93, option 60 Arch = 7 and no iPXE user class',
  ],
  [
    'takes a PXE client that tells nothing for BIOS',
    [[Option.vendorClass, encodeText('PXEClient')]],
    'bios-pxe bios x86: no option 93, taken = 0 and no iPXE user class',
  ],
  ['says what it does not support', [pxe, arch(27)], 'unsupported: option 93 = 27, which no loader here runs on'],
  [
    'knows iPXE by its raw user class',
    [pxe, arch(7), userClass('iPXE')],
    'ipxe uefi x64: iPXE asks: option 77 = iPXE (option 93 = 7)',
  ],
  [
    'knows iPXE by an RFC 3004 user class',
    [pxe, arch(0), userClass('\x04iPXE')],
    'ipxe bios x86: iPXE asks: option 77 = iPXE (option 93 = 0)',
  ],
  [
    'knows iPXE by option 175',
    [pxe, arch(0), [Option.etherboot, Uint8Array.of(0xb1, 1, 0, 0x13, 1, 1)]],
    'ipxe bios x86: iPXE asks: it sends option 175 (option 93 = 0)',
  ],
  [
    'sends an iPXE without HTTP to a loader',
    [pxe, arch(0), userClass('iPXE'), [Option.etherboot, Uint8Array.of(0x11, 1, 1)]],
    'bios-pxe bios x86: option 93 = 0 and an iPXE without HTTP',
  ],
  [
    'takes an operating system for a client',
    [[Option.vendorClass, encodeText('udhcp 1.35.0')]],
    'client: option 60 names no boot firmware',
  ],
  ['takes a client without option 60 for one', [arch(7)], 'client: option 60 names no boot firmware'],
]

for (const [criterion, options, expected] of rows) {
  test(`classify() ${criterion}`, () => {
    const found = classify(makeRequest(makeContext(), { options }).message)
    const { kind, because } = found
    const who = kind === 'firmware' ? Object.values(found.firmware).join(' ') : kind
    assert.equal(`${who}: ${because}`, expected)
  })
}

test('classify() refuses half an architecture', () => {
  const options: [number, Uint8Array][] = [pxe, [Option.clientArchitecture, Uint8Array.of(0, 7, 0)]]
  assert.throws(() => makeRequest(makeContext(), { options }), DecodeError)
})

test('classify() survives sub-options that lead out of option 175', () => {
  const options: [number, Uint8Array][] = [pxe, [Option.etherboot, Uint8Array.of(0x20, 200, 1)]]
  assert.equal(makeRequest(makeContext(), { options }).classification.kind, 'firmware')
})
