import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseHostKey } from './ssh-server.ts'

// dropbearkey 2022.83 -y
const said = `Public key portion is:
ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFSxKtPjWXEgLXnZQNqT2KWmrPmCkTTYLtbwQxMjnhRx root@(none)
Fingerprint: SHA256:Yv2yl4nFh8X2pHBlHt8YuQYPUTnEjg5r4kQ0pyvRMDU
`

test('parseHostKey() gives the key without its comment, and its fingerprint', () => {
  assert.deepEqual(parseHostKey(said), {
    hostKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFSxKtPjWXEgLXnZQNqT2KWmrPmCkTTYLtbwQxMjnhRx',
    fingerprint: 'SHA256:Yv2yl4nFh8X2pHBlHt8YuQYPUTnEjg5r4kQ0pyvRMDU',
  })
})

test('parseHostKey() takes no MD5 fingerprint for one', () => {
  assert.throws(() => parseHostKey(said.replace(/SHA256.*/, 'sha1!! 3d:4a')), /Cannot read the SSH host key/)
})
