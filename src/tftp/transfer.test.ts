import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BlockSource } from './block-source.ts'
import type { TransferTerms } from './decide-request.ts'
import { decodePacket, type TftpPacket } from './packet.ts'
import { Transfer, type TransferOutcome } from './transfer.ts'

/** A client in memory: keeps what comes in order, acknowledges full windows, and what it has at its own time-out. */
class MemoryClient {
  readonly received: Uint8Array[] = []
  readonly sends: TftpPacket[] = []
  readonly outcome: Promise<TransferOutcome>
  readonly transfer: Transfer
  /** Tells whether the next packet, in either direction, gets lost. */
  #loses: () => boolean
  #windowBlocks: number
  #blockBytes: number
  #next = 0
  #sinceAck = 0

  constructor(source: BlockSource, terms: TransferTerms, loses = () => false, giveUpMs = 2000) {
    const { promise, resolve } = Promise.withResolvers<TransferOutcome>()
    this.outcome = promise
    this.#loses = loses
    this.#windowBlocks = terms.windowBlocks
    this.#blockBytes = terms.blockBytes
    const send = (datagram: Uint8Array) => {
      const packet = decodePacket(Uint8Array.from(datagram))
      this.sends.push(packet)
      setImmediate(() => this.#receive(packet))
    }
    const clock = setInterval(() => this.transfer.tick(performance.now()), 1)
    const onEnd = (outcome: TransferOutcome) => {
      clearInterval(clock)
      resolve(outcome)
    }
    this.transfer = new Transfer({ source, terms, giveUpMs, nowMs: performance.now(), send, onEnd })
    this.transfer.start()
  }

  acknowledge(block: number): void {
    if (!this.#loses()) this.transfer.receiveAck(block & 0xffff, performance.now())
  }

  #receive(packet: TftpPacket): void {
    if (this.#loses()) return
    if (packet.kind === 'oack') this.acknowledge(0)
    if (packet.kind !== 'data') return
    const isNext = packet.block === ((this.#next + 1) & 0xffff)
    if (isNext) {
      this.received.push(packet.data)
      this.#next++
      this.#sinceAck++
    }
    const isLast = packet.data.length < this.#blockBytes
    if (!isNext || isLast || this.#sinceAck === this.#windowBlocks) {
      this.#sinceAck = 0
      this.acknowledge(this.#next)
    }
  }
}

function memorySource(content: Buffer): BlockSource {
  let position = 0
  return {
    fill(buffers) {
      const start = position
      for (const buffer of buffers) position += content.copy(buffer, 0, position)
      return position - start
    },
  }
}

const terms = (values: Partial<TransferTerms> = {}): TransferTerms => ({
  blockBytes: 512,
  windowBlocks: 1,
  timeoutMs: 10,
  accepted: new Map(),
  ...values,
})

/** Deterministic, so that a failure can be run again. */
function randomLoss(rate: number, seed: number): () => boolean {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32 < rate
  }
}

function pattern(sizeBytes: number): Buffer {
  return Buffer.from(
    Uint32Array.from({ length: Math.ceil(sizeBytes / 4) }, (_, i) => i * 2654435761).buffer,
    0,
    sizeBytes,
  )
}

for (const windowBlocks of [1, 4, 64]) {
  for (const sizeBytes of [0, 1, 511, 512, 513, 2048, 100_000, 131_072]) {
    test(`Transfer sends ${sizeBytes} bytes in windows of ${windowBlocks}`, async () => {
      const content = pattern(sizeBytes)
      const client = new MemoryClient(memorySource(content), terms({ windowBlocks }))
      assert.deepEqual(await client.outcome, { kind: 'sent', bytes: sizeBytes, acknowledged: true })
      assert.ok(Buffer.concat(client.received).equals(content))
      assert.equal(client.received.length, Math.floor(sizeBytes / 512) + 1)
    })
  }

  test(`Transfer gets through a link that loses a tenth both ways in windows of ${windowBlocks}`, async () => {
    const content = pattern(60_000)
    const accepted = new Map([['blksize', '512']])
    const source = memorySource(content)
    const client = new MemoryClient(source, terms({ windowBlocks, accepted, timeoutMs: 3 }), randomLoss(0.1, 42))
    assert.equal((await client.outcome).kind, 'sent')
    assert.ok(Buffer.concat(client.received).equals(content))
  })
}

test('Transfer counts blocks on beyond 65535', async () => {
  const content = pattern(8 * 70_000 + 3)
  const client = new MemoryClient(memorySource(content), terms({ blockBytes: 8, windowBlocks: 16, timeoutMs: 1000 }))
  assert.deepEqual(await client.outcome, { kind: 'sent', bytes: content.length, acknowledged: true })
  assert.ok(Buffer.concat(client.received).equals(content))
})

test('Transfer sends nothing for duplicate, old and impossible acknowledgements', async () => {
  const sent: TftpPacket[] = []
  const transfer = new Transfer({
    source: memorySource(pattern(5000)),
    terms: terms({ timeoutMs: 60_000 }),
    giveUpMs: 60_000,
    nowMs: 0,
    send: (datagram) => sent.push(decodePacket(datagram)),
    onEnd: () => {},
  })
  transfer.start()
  for (const block of [1, 1, 0, 65535, 3, 2, 1, 2]) transfer.receiveAck(block, 0)
  assert.deepEqual(
    sent.map((packet) => packet.kind === 'data' && packet.block),
    [1, 2, 3],
  )
  transfer.stop('test ends')
})

test('Transfer sends on from an acknowledgement inside its window', async () => {
  const sent: TftpPacket[] = []
  const transfer = new Transfer({
    source: memorySource(pattern(5000)),
    terms: terms({ windowBlocks: 4, timeoutMs: 60_000 }),
    giveUpMs: 60_000,
    nowMs: 0,
    send: (datagram) => sent.push(decodePacket(datagram)),
    onEnd: () => {},
  })
  transfer.start()
  transfer.receiveAck(2, 0)
  assert.deepEqual(
    sent.map((packet) => packet.kind === 'data' && packet.block),
    [1, 2, 3, 4, 3, 4, 5, 6],
  )
  transfer.stop('test ends')
})

test('Transfer takes an ERROR after the OACK for a question about the size', async () => {
  const client = new MemoryClient(memorySource(pattern(9)), terms({ accepted: new Map([['tsize', '9']]) }), () => true)
  client.transfer.receiveError(8, 'User aborted the transfer')
  assert.equal((await client.outcome).kind, 'declined')
})

test('Transfer ends as aborted when the client gives up in the middle', async () => {
  const client = new MemoryClient(memorySource(pattern(100_000)), terms())
  while (client.received.length < 3) await new Promise(setImmediate)
  client.transfer.receiveError(3, 'disk full')
  const outcome = await client.outcome
  assert.ok(outcome.kind === 'aborted' && outcome.bytes > 0 && /disk full/.test(outcome.reason))
})

test('Transfer gives up a client that fell silent', async () => {
  const client = new MemoryClient(memorySource(pattern(100_000)), terms(), () => true, 50)
  assert.equal((await client.outcome).kind, 'timed-out')
})

test('Transfer counts an unacknowledged last block as sent', async () => {
  const client = new MemoryClient(memorySource(pattern(100)), terms(), () => true)
  assert.deepEqual(await client.outcome, { kind: 'sent', bytes: 100, acknowledged: false })
})

test('Transfer tells the client that a file cannot be read, and us why', async () => {
  const source: BlockSource = {
    fill: () => {
      throw new Error('EIO: i/o error')
    },
  }
  const client = new MemoryClient(source, terms())
  const outcome = await client.outcome
  assert.ok(outcome.kind === 'failed' && outcome.reason === 'EIO: i/o error')
  assert.deepEqual(client.sends, [{ kind: 'error', code: 0, message: 'the server cannot read it' }])
})
