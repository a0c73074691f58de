import assert from 'node:assert/strict'
import { test } from 'node:test'
import { interfaceAddress, listInterfaceAddresses } from './interfaces.ts'

test('listInterfaceAddresses() leaves loopback out', () => {
  assert.ok(listInterfaceAddresses().every((entry) => entry.interface !== 'lo'))
})

test('interfaceAddress() says what is wrong and what there is', () => {
  assert.throws(() => interfaceAddress('none0'), {
    name: 'InterfaceNotUsable',
    interface: 'none0',
    message: /^Cannot serve on none0: it has no IPv4 address or is not up \(interfaces with one: /,
  })
})
