import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { hash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { encodeRamrootOrder } from '../../src/core/ramroot-order.ts'
import { pieceBytes } from '../../src/image/renditions/stored-ram-root.ts'
import { needs } from './image/needs.ts'

/*
 * The early system of a version in memory fetches its root by its own functions and busybox's wget, from a server that fails in every
 * way a network can.
 */
const scripts = join(import.meta.dirname, '../../src/ramdisk/ram-root')
const applets = ['sh', 'wget', 'stat', 'sleep', 'tail', 'sha256sum', 'cut', 'dd', 'truncate', 'sed', 'cat']
const root = randomBytes(3 * pieceBytes + 12_345)

type Answer = (response: ServerResponse, from: number) => void

const whole: Answer = (response, from) => void response.end(root.subarray(from))
/** The connection breaks after so many bytes. */
const cutAfter =
  (bytes: number): Answer =>
  (response, from) =>
    void response.write(root.subarray(from, from + bytes), () => response.destroy())
/** Nothing more comes after so many bytes. */
const silentAfter =
  (bytes: number): Answer =>
  (response, from) =>
    void response.write(root.subarray(from, from + bytes))
/** One byte is another. */
const wrongAt =
  (at: number): Answer =>
  (response, from) => {
    const bytes = Buffer.from(root)
    bytes[at]! ^= 1
    response.end(bytes.subarray(from))
  }

/** Gives these answers one after the other, the last one ever again; tells from where each was asked. */
class UnreliableServer {
  readonly askedFrom: number[] = []
  readonly #answers: Answer[]
  readonly #server: Server

  constructor(answers: Answer[]) {
    this.#answers = answers
    this.#server = createServer((request, response) => this.#answer(request, response))
  }

  async listen(port = 0): Promise<number> {
    this.#server.listen(port, '127.0.0.1')
    await once(this.#server, 'listening')
    return (this.#server.address() as AddressInfo).port
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  #answer({ headers }: IncomingMessage, response: ServerResponse): void {
    const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0)
    const answer = this.#answers[Math.min(this.askedFrom.length, this.#answers.length - 1)]!
    this.askedFrom.push(from)
    const range = from === 0 ? {} : { 'content-range': `bytes ${from}-${root.length - 1}/${root.length}` }
    response.writeHead(from === 0 ? 200 : 206, { 'content-length': root.length - from, ...range })
    answer(response, from)
  }
}

/** Starts fetch_missing and check_root as fetch_root does; tmpfs is this machine's temporary directory. */
function startFetch(t: TestContext, port: number): { process: ChildProcess; file: string } {
  const directory = mkdtempSync(join(tmpdir(), 'ram-root-fetch-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const bin = join(directory, 'bin')
  mkdirSync(bin)
  for (const applet of applets) symlinkSync('/usr/bin/busybox', join(bin, applet))
  const [file, talk] = [join(directory, 'root.squashfs'), join(directory, 'talk')]
  mkdirSync(talk)
  writeFileSync(join(talk, 'order'), orderText())
  writeFileSync(file, '')
  const script = `. ${scripts}/talk.sh; . ${scripts}/root.sh; talk=${talk} file=${file} size=${root.length} server=http://127.0.0.1:${port}
    say() { echo "$*"; }; report() { echo "reported $1 $3"; }; fail() { echo "FAILED: $*"; exit 1; }
    fetch_missing; check_root`
  const child = spawn('/usr/bin/busybox', ['sh', '-c', script], {
    env: { PATH: bin },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => void child.kill())
  return { process: child, file }
}

function orderText(): string {
  const pieces = []
  for (let at = 0; at < root.length; at += pieceBytes) pieces.push(hash('sha256', root.subarray(at, at + pieceBytes)))
  return encodeRamrootOrder({
    ...{ nonce: 'n', machine: 'm', title: 'web', form: 'squashfs', needs: 1, overlay: 'tmpfs', budget: 1, files: '' },
    root: { path: '/root.squashfs', sizeBytes: root.length, sha256: hash('sha256', root), pieces },
    dataDisks: [],
  })
}

async function fetchFrom(t: TestContext, answers: Answer[]) {
  const server = new UnreliableServer(answers)
  t.after(() => server.close())
  const { process, file } = startFetch(t, await server.listen())
  const said = await text(process.stdout!)
  return { said, file, askedFrom: server.askedFrom }
}

test('fetch_root goes on where it was cut off, and where nothing more came', { timeout: 240_000 }, async (t) => {
  if (needs(t, { programs: ['busybox'] })) return
  const { said, file, askedFrom } = await fetchFrom(t, [cutAfter(1_000_000), silentAfter(500_000), whole])
  assert.deepEqual(askedFrom, [0, 1_000_000, 1_500_000])
  assert.match(said, new RegExp(`reported fetched ${root.length}\n$`))
  assert.ok(readFileSync(file).equals(root))
})

test('fetch_root waits for a server that is away, and goes on', { timeout: 240_000 }, async (t) => {
  if (needs(t, { programs: ['busybox'] })) return
  const before = new UnreliableServer([
    (response) => void response.write(root.subarray(0, 2_000_000), () => before.close()),
  ])
  const port = await before.listen()
  const { process, file } = startFetch(t, port)
  const words = process.stdout!.setEncoding('utf8')
  const ended = once(words, 'end')
  let said = ''
  words.on('data', (piece: string) => {
    said += piece
  })
  while (!/cut off at 1 of 12 MiB .*refused.*again in 4 s/.test(said)) await once(words, 'data')
  const after = new UnreliableServer([whole])
  await after.listen(port)
  t.after(() => after.close())
  await ended
  assert.deepEqual(after.askedFrom, [2_000_000])
  assert.ok(readFileSync(file).equals(root))
})

test('fetch_root fetches again from the first wrong 4 MiB on', { timeout: 240_000 }, async (t) => {
  if (needs(t, { programs: ['busybox'] })) return
  const { said, file, askedFrom } = await fetchFrom(t, [wrongAt(2 * pieceBytes + 7), whole])
  assert.deepEqual(askedFrom, [0, 2 * pieceBytes])
  assert.match(said, /damaged at 8 MiB; fetching again from there\nreported fetched/)
  assert.ok(readFileSync(file).equals(root))
})

test('fetch_root never takes a root that is wrong each time', { timeout: 240_000 }, async (t) => {
  if (needs(t, { programs: ['busybox'] })) return
  const { said, askedFrom } = await fetchFrom(t, [wrongAt(7)])
  assert.deepEqual(askedFrom, [0, 0, 0])
  assert.match(said, /FAILED: what was fetched is damaged three times/)
  assert.doesNotMatch(said, /reported fetched/)
})
