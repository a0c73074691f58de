import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'

const run = promisify(execFile)
const launcher = join(import.meta.dirname, '../../bin/bootwright-node')

type Bench = { url: string; directory: string; server: ChildProcess }

async function openBench(t: TestContext): Promise<Bench> {
  const directory = await mkdtemp(join(tmpdir(), 'content-interop-'))
  await mkdir(join(directory, 'r1'))
  const program = join(import.meta.dirname, 'content/serve.ts')
  const server = spawn(launcher, [program, directory], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(async () => {
    server.stdin.end()
    if (server.exitCode === null) await once(server, 'exit')
    assert.equal(server.exitCode, 0)
    await rm(directory, { recursive: true })
  })
  const [port] = await once(server.stdout, 'data', { signal: AbortSignal.timeout(20_000) })
  return { url: `http://127.0.0.1:${String(port).trim()}`, directory, server }
}

async function curl(...values: string[]): Promise<string> {
  const { stdout } = await run('curl', ['--silent', '--show-error', '--fail', '--max-time', '60', ...values])
  return stdout
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Resident memory of a process, its highest so far. */
async function peakBytes(pid: number): Promise<number> {
  const match = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))
  return Number(match![1]) * 1024
}

test('serveContent() streams 1 GB to curl in bounded memory', async (t) => {
  const { url, directory, server } = await openBench(t)
  await writeFile(join(directory, 'r1', 'big'), '')
  await truncate(join(directory, 'r1', 'big'), 1e9)
  const beforeBytes = await peakBytes(server.pid!)
  const speed = await curl(
    '--output',
    '/dev/null',
    '--write-out',
    '%{size_download} %{speed_download}',
    `${url}/ramdisk/r1/big`,
  )
  const [sizeBytes, bytesPerSecond] = speed.split(' ').map(Number)
  assert.equal(sizeBytes, 1e9)
  const growthBytes = (await peakBytes(server.pid!)) - beforeBytes
  t.diagnostic(`${(bytesPerSecond! / 1e6).toFixed(0)} MB/s, ${(growthBytes / 1e6).toFixed(0)} MB more memory`)
  assert.ok(growthBytes < 64e6, `${growthBytes} bytes`)
})

test('serveContent() gives curl ranges, an interrupted download its rest, and HEAD its length', async (t) => {
  const { url, directory } = await openBench(t)
  const content = randomBytes(3_000_000)
  await writeFile(join(directory, 'r1', 'file'), content)
  const fetched = join(directory, 'fetched')
  await curl('--range', '1000000-1999999', '--output', fetched, `${url}/ramdisk/r1/file`)
  assert.equal(digest(await readFile(fetched)), digest(content.subarray(1_000_000, 2_000_000)))
  await writeFile(fetched, content.subarray(0, 1_234_567))
  await curl('--continue-at', '-', '--output', fetched, `${url}/ramdisk/r1/file`)
  assert.equal(digest(await readFile(fetched)), digest(content))
  // In this case of letters: GRUB 2.06 knows no other.
  assert.match(await curl('--head', `${url}/ramdisk/r1/file`), /Content-Length: 3000000\r\n/)
})

test('serveContent() serves forty downloads at once, each whole', async (t) => {
  const { url, directory } = await openBench(t)
  const content = randomBytes(5_000_000)
  await writeFile(join(directory, 'r1', 'file'), content)
  const transfers = Array.from({ length: 40 }, (_, index) => [
    '--output',
    join(directory, `f${index}`),
    `${url}/ramdisk/r1/file`,
  ])
  await curl('--parallel', '--parallel-max', '40', ...transfers.flat())
  const expected = digest(content)
  for (let index = 0; index < 40; index++) {
    assert.equal(digest(await readFile(join(directory, `f${index}`))), expected, `download ${index}`)
  }
})

test('serveContent() forwards what curl posts, after 100-continue too', async (t) => {
  const { url, directory } = await openBench(t)
  const body = join(directory, 'body')
  await writeFile(body, randomBytes(1_000_000))
  const answer = await curl('--header', 'Expect: 100-continue', '--data-binary', `@${body}`, `${url}/agent/inventory`)
  assert.equal(answer, 'POST 1000000')
})
