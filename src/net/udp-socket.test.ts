import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { LinuxError } from '../linux/linux-error.ts'
import { openInterfaceSocket, openUdpSocket } from './udp-socket.ts'

test('openUdpSocket() sends and receives on its interface', async () => {
  const server = await openUdpSocket({ interface: 'lo', port: 0 })
  const client = await openUdpSocket({ interface: 'lo', address: '127.0.0.1', port: 0 })
  const received = once(server, 'message', { signal: AbortSignal.timeout(5000) })
  client.send('hello', server.address().port, '127.0.0.1')
  const [message, source] = await received
  assert.equal(String(message), 'hello')
  assert.equal(source.port, client.address().port)
  server.close()
  client.close()
})

test('openUdpSocket() names the port that is taken', async () => {
  const first = await openUdpSocket({ interface: 'lo', port: 0 })
  const { port } = first.address()
  await assert.rejects(openUdpSocket({ interface: 'lo', port }), (error) => {
    assert.ok(error instanceof LinuxError)
    assert.equal(error.code, 'EADDRINUSE')
    assert.match(
      error.message,
      new RegExp(`^bind\\(UDP 0\\.0\\.0\\.0:${port} on lo\\) failed: EADDRINUSE \\(another program`),
    )
    return true
  })
  first.close()
})

test('openUdpSocket() names the interface that does not exist', async () => {
  await assert.rejects(openUdpSocket({ interface: 'none0', port: 0 }), /SO_BINDTODEVICE none0\) failed: ENODEV/)
})

test('openInterfaceSocket() has room for a burst of packets', async () => {
  const { socket } = await openInterfaceSocket({ interface: 'lo', port: 0, receiveBufferBytes: 128 << 10 })
  // The kernel doubles what was asked for, for its own bookkeeping.
  assert.equal(socket.getRecvBufferSize(), 256 << 10)
  socket.close()
})
