import assert from 'node:assert/strict'
import { once } from 'node:events'
import { lstatSync, mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { LinuxError } from './linux-error.ts'
import { deviceNumber, makeSpecialFile } from './mknod.ts'
import { closeFd, openListeningSocketFd, openUdpSocketFd, socketAddress } from './socket.ts'

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'linux-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

test('openListeningSocketFd() makes a listener that net.Server adopts', async () => {
  const fd = openListeningSocketFd({ address: '127.0.0.1', port: 0 })
  const server = createServer((socket) => socket.end('hello')).listen({ fd })
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address)
  const [data] = await once(connect(address.port, '127.0.0.1'), 'data')
  assert.equal(String(data), 'hello')
  server.close()
})

test('openUdpSocketFd() leaves no descriptor behind when it fails', () => {
  const before = openUdpSocketFd({ port: 0 })
  closeFd(before)
  assert.throws(() => openUdpSocketFd({ interface: 'none0', port: 0 }), LinuxError)
  const after = openUdpSocketFd({ port: 0 })
  closeFd(after)
  assert.equal(after, before)
})

test('closeFd() of a closed descriptor names the call and the error', () => {
  const fd = openUdpSocketFd({ port: 0 })
  closeFd(fd)
  assert.throws(() => closeFd(fd), { name: 'LinuxError', code: 'EBADF', call: `close(${fd})` })
})

test('socketAddress() is a sockaddr_in', () => {
  assert.deepEqual([...socketAddress('10.1.2.3', 67)], [2, 0, 0, 67, 10, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0])
  assert.throws(() => socketAddress('host', 1), TypeError)
})

test('makeSpecialFile() makes a FIFO, also under a name that is not UTF-8', (t) => {
  const path = Buffer.concat([Buffer.from(`${directory(t)}/`), Buffer.of(0xff, 0xfe)])
  makeSpecialFile(path, { kind: 'fifo', mode: 0o600 })
  assert.ok(lstatSync(path).isFIFO())
})

test('makeSpecialFile() makes a device with its numbers', (t) => {
  if (process.getuid?.() !== 0) return t.skip('device files need root')
  const path = join(directory(t), 'null')
  makeSpecialFile(path, { kind: 'character-device', mode: 0o600, major: 1, minor: 3 })
  const stat = lstatSync(path)
  assert.ok(stat.isCharacterDevice())
  assert.equal(BigInt(stat.rdev), deviceNumber(1, 3))
})

test('makeSpecialFile() names the path that it cannot make', () => {
  assert.throws(() => makeSpecialFile('/nonexistent/fifo', { kind: 'fifo', mode: 0o600 }), {
    code: 'ENOENT',
    message: /^mknod\(\/nonexistent\/fifo, fifo 0:0\) failed: ENOENT/,
  })
})

test('deviceNumber() spreads large numbers as glibc does', () => {
  assert.equal(deviceNumber(8, 1), 0x801n)
  assert.equal(deviceNumber(0x12345, 0x6789a), 0x1_2000_6783_459an)
})
