import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePrintUris } from './debian-packages.ts'

test('parsePrintUris() reads name, version with epoch, size and digest', () => {
  const text = `'http://deb.debian.org/debian/pool/main/b/busybox/busybox-static_1.35.0-4%2bb1_amd64.deb' busybox-static_1%3a1.35.0-4+b1_amd64.deb 928188 SHA256:3d3f
Reading package lists...
`
  assert.deepStrictEqual(parsePrintUris(text), [
    {
      name: 'busybox-static',
      version: '1:1.35.0-4+b1',
      fileName: 'busybox-static_1%3a1.35.0-4+b1_amd64.deb',
      sizeBytes: 928188,
      digest: 'SHA256:3d3f',
    },
  ])
})
