import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { seededRandom } from '../image/nasty-tree.fixture.ts'
import { runProgram } from '../programs/run-program.ts'
import { NbdServer } from './nbd-server.ts'
import { VolatileDisk } from './volatile-disk.ts'

const mib = 2 ** 20
const sizeBytes = 8 * mib

async function makeDisk(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-volatile-'))
  const disk = await VolatileDisk.make(join(directory, 'disk'), sizeBytes)
  t.after(async () => {
    await disk[Symbol.asyncDispose]()
    await rm(directory, { recursive: true })
  })
  return { disk, directory, stable: () => readFile(disk.stablePath) }
}

test('VolatileDisk shows what is written and keeps what was flushed', async (t) => {
  const { disk, stable } = await makeDisk(t)
  await disk.write(1024, Buffer.alloc(2048, 1))
  assert.deepEqual(await disk.read(1024, 2048), Buffer.alloc(2048, 1))
  assert.deepEqual(await stable(), Buffer.alloc(sizeBytes), 'nothing survives before the flush')
  await disk.flush()
  await disk.write(1024, Buffer.alloc(512, 2))
  await disk.losePower(() => 0.99) // every change is lost
  assert.deepEqual(await disk.read(1024, 2048), Buffer.alloc(2048, 1))
})

test('VolatileDisk.losePower() keeps, tears at sectors and loses, by chance', async (t) => {
  const { disk, stable } = await makeDisk(t)
  await disk.write(0, Buffer.alloc(sizeBytes, 1))
  await disk.flush()
  const writes = 60
  for (let index = 0; index < writes; index++) await disk.write(index * 65_536, Buffer.alloc(65_536, 2))
  const loss = await disk.losePower(seededRandom(1))
  assert.deepEqual([loss.writes, loss.bytes, loss.kept + loss.torn + loss.lost], [writes, writes * 65_536, writes])
  assert.ok(loss.kept > 0 && loss.torn > 0 && loss.lost > 0)
  const left = await stable()
  assert.deepEqual(await disk.read(0, sizeBytes), left, 'the machine sees what survived')
  const kinds = Array.from({ length: writes }, (_, index) =>
    kindOf(left.subarray(index * 65_536, (index + 1) * 65_536)),
  )
  assert.ok(kinds.includes('old') && kinds.includes('new') && kinds.includes('torn'))
  assert.deepEqual(left.subarray(writes * 65_536), Buffer.alloc(sizeBytes - writes * 65_536, 1), 'nothing else changed')
})

/** Throws when a sector has both. */
function kindOf(bytes: Buffer): 'old' | 'new' | 'torn' {
  for (let at = 0; at < bytes.length; at += 512) {
    assert.ok(
      bytes.subarray(at, at + 512).every((byte) => byte === bytes[at]),
      'a sector is written whole or not at all',
    )
  }
  return bytes.every((byte) => byte === 2) ? 'new' : bytes.every((byte) => byte === 1) ? 'old' : 'torn'
}

test('VolatileDisk.zero() is lost like a write, and makes holes that survive a flush', async (t) => {
  const { disk, stable } = await makeDisk(t)
  await disk.write(0, Buffer.alloc(4 * mib, 7))
  await disk.flush()
  await disk.zero(0, 2 * mib)
  assert.deepEqual(await disk.read(0, 2 * mib), Buffer.alloc(2 * mib))
  await disk.losePower(() => 0.99)
  assert.deepEqual(await disk.read(0, 4 * mib), Buffer.alloc(4 * mib, 7))
  await disk.zero(0, 2 * mib)
  await disk.zero(3 * mib, 4096)
  await disk.flush()
  const expected = Buffer.alloc(4 * mib, 7)
    .fill(0, 0, 2 * mib)
    .fill(0, 3 * mib, 3 * mib + 4096)
  assert.deepEqual((await stable()).subarray(0, 4 * mib), expected)
})

test("NbdServer gives QEMU's own client a disk: write, read, zeros, discard, flush", async (t) => {
  const { disk, directory, stable } = await makeDisk(t)
  const socketPath = join(directory, 'nbd.sock')
  await using server = await NbdServer.listen(socketPath, disk)
  const commands = [
    'write -P 5 1M 1M',
    'flush',
    'write -P 6 2M 64k',
    'read -P 5 1M 1M',
    'write -z 0 64k',
    'discard 1M 512k',
  ]
  const qemuIo = ['-f', 'raw', '-t', 'writeback', '-d', 'unmap', ...commands.flatMap((command) => ['-c', command])]
  const said = await runProgram('qemu-io', [...qemuIo, `nbd+unix:///?socket=${socketPath}`], { timeoutMs: 60_000 })
  assert.doesNotMatch(said, /failed|error/i)
  await server.idle()
  // qemu-io flushes when it ends, as QEMU does
  assert.deepEqual((await stable()).subarray(mib + mib / 2, 2 * mib), Buffer.alloc(mib / 2, 5))
  assert.deepEqual((await stable()).subarray(2 * mib, 2 * mib + 65_536), Buffer.alloc(65_536, 6))
  assert.deepEqual(await disk.read(mib, mib / 2), Buffer.alloc(mib / 2))
})

test('NbdServer goes on to the next machine after a client that sends rubbish', async (t) => {
  const { disk, directory } = await makeDisk(t)
  const socketPath = join(directory, 'nbd.sock')
  await using _server = await NbdServer.listen(socketPath, disk)
  const { createConnection } = await import('node:net')
  const rubbish = createConnection(socketPath)
  rubbish.on('error', () => {})
  rubbish.end(Buffer.alloc(64, 0xff))
  const said = await runProgram(
    'qemu-io',
    ['-f', 'raw', '-c', 'read -P 0 0 64k', `nbd+unix:///?socket=${socketPath}`],
    {
      timeoutMs: 60_000,
    },
  )
  assert.match(said, /read 65536\/65536/)
})
