import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DecodeError } from '../../bytes/decode-error.ts'
import { parseDpkgStatus } from './dpkg-status.ts'
import { comparePackages, type InstalledPackage } from './installed-package.ts'
import { decodeRpmHeader } from './rpm-header.ts'

const status = `Package: libc6
Status: install ok installed
Multi-Arch: same
Architecture: amd64
Version: 2.36-9+deb12u14
Description: GNU C Library: Shared libraries
 Version: 9 is not this one
 .
 Package: nor this

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1.0

Package: half
Status: install ok half-configured
Architecture: all
Version: 2:1.0
`

test('parseDpkgStatus() gives what has files, not what left its configuration behind', () => {
  assert.deepEqual(parseDpkgStatus(status), [
    { manager: 'dpkg', name: 'libc6', architecture: 'amd64', version: '2.36-9+deb12u14' },
    { manager: 'dpkg', name: 'half', architecture: 'all', version: '2:1.0' },
  ])
  assert.deepEqual(parseDpkgStatus('Package: base-files\nVersion: 12\nArchitecture: amd64\n'), [
    { manager: 'dpkg', name: 'base-files', architecture: 'amd64', version: '12' },
  ])
  assert.deepEqual(parseDpkgStatus('\0\xff no stanza\n\n\n'), [])
})

test('comparePackages() pairs one version with one, and lists several each for itself', () => {
  const rpm = (name: string, version: string): InstalledPackage => ({
    ...{ manager: 'rpm', name, version, architecture: 'x86_64' },
  })
  const before = [rpm('bash', '5.1-1'), rpm('kernel', '5.14-1'), rpm('vim', '9-1'), rpm('same', '1-1')]
  const after = [
    rpm('bash', '5.2-1'),
    rpm('kernel', '5.14-1'),
    rpm('kernel', '5.14-2'),
    rpm('zsh', '5-1'),
    rpm('same', '1-1'),
  ]
  assert.deepEqual(
    comparePackages(before, after).map(({ change, name, before, after }) => [change, name, before, after]),
    [
      ['changed', 'bash', '5.1-1', '5.2-1'],
      ['added', 'kernel', undefined, '5.14-2'],
      ['removed', 'vim', '9-1', undefined],
      ['added', 'zsh', undefined, '5-1'],
    ],
  )
})

test('decodeRpmHeader() cut at every byte gives DecodeError', () => {
  const header = rpmHeader('bash', '5.2', '3.el9')
  assert.deepEqual(decodeRpmHeader(header), {
    ...{ manager: 'rpm', name: 'bash', architecture: '', version: '5.2-3.el9' },
  })
  for (let length = 0; length < header.length; length++) {
    assert.throws(() => decodeRpmHeader(header.subarray(0, length)), DecodeError, `cut at ${length}`)
  }
  const wild = Buffer.from(header)
  wild.writeUInt32BE(0x7fff_ffff, 16)
  assert.throws(() => decodeRpmHeader(wild), DecodeError)
})

function rpmHeader(...texts: string[]): Buffer {
  const data = Buffer.from(texts.map((text) => `${text}\0`).join(''))
  const lengths = Buffer.alloc(8)
  lengths.writeUInt32BE(texts.length, 0)
  lengths.writeUInt32BE(data.length, 4)
  let offset = 0
  const entries = texts.map((text, at) => {
    const entry = Buffer.alloc(16)
    for (const [field, value] of [1000 + at, 6, offset, 1].entries()) entry.writeUInt32BE(value, field * 4)
    offset += text.length + 1
    return entry
  })
  return Buffer.concat([lengths, ...entries, data])
}
