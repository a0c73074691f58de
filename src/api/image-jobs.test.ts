import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { smallVersions } from '../image/small-versions.fixture.ts'
import type { ImageJob } from './image-job.ts'
import { ImageJobs, JobFailed } from './image-jobs.ts'
import { NotReady } from './problem.ts'

const mebibyte = 1024 * 1024

async function setUp(t: TestContext) {
  const { repository, signingKey, put, directory } = await smallVersions(t)
  const faults: string[] = []
  const setup = { imageDirectory: repository.directory, buildCacheDirectory: join(directory, 'cache'), signingKey }
  const jobs = new ImageJobs(setup, (_, stack) => faults.push(stack))
  const { id: version } = await put('debian', { large: randomBytes(12 * mebibyte) })
  const exporting: ImageJob = { kind: 'export', image: 'debian', version }
  return { jobs, faults, repository, directory, exporting }
}

test('ImageJobs.start() says the size first, and never holds more than a reader is behind by', async (t) => {
  const { jobs, exporting, faults } = await setUp(t)
  const { output, started } = jobs.start(exporting)
  const sizeBytes = await started
  let read = 0
  for await (const part of output) {
    read += part.length
    assert.ok(output.readableLength <= 2 * mebibyte, `${output.readableLength} bytes wait to be read`)
    await new Promise(setImmediate)
  }
  assert.equal(read, sizeBytes)
  assert.deepEqual(faults, [])
})

test('ImageJobs.start() refuses a fifth job, until one of the four has ended', async (t) => {
  const { jobs, exporting } = await setUp(t)
  const running = [1, 2, 3, 4].map(() => jobs.start(exporting))
  assert.throws(() => jobs.start(exporting), NotReady)
  await Promise.all(running.map(async ({ output, started }) => [await started, output.destroy()]))
  await until(() => {
    try {
      running.push(jobs.start(exporting))
      return true
    } catch (error) {
      assert.ok(error instanceof NotReady)
      return false
    }
  })
  running.at(-1)?.output.destroy()
})

test('closing the output of an import stops it, and nothing of it stays', async (t) => {
  const { jobs, repository, directory } = await setUp(t)
  const source = { kind: 'directory', path: join(directory, 'source') } as const
  const staging = join(repository.directory, 'staging')
  const { output } = jobs.start({ kind: 'import', image: 'other', source })
  await until(() => readdirSync(staging).length > 0)
  output.destroy()
  await until(() => readdirSync(staging).length === 0)
  assert.deepEqual(readdirSync(join(repository.directory, 'tags')), ['debian'])
  assert.equal(readdirSync(join(repository.directory, 'versions')).length, 1)
})

test('a job that fails answers with a problem: as its last line, or before the first byte', async (t) => {
  const { jobs, exporting, faults } = await setUp(t)
  const source = { kind: 'tar', path: '/nonexistent.tar' } as const
  const lines = (await text(jobs.start({ kind: 'import', image: 'other', source }).output)).trim().split('\n')
  const { kind, problem } = JSON.parse(lines.at(-1)!)
  assert.deepEqual([kind, problem.status], ['problem', 400])
  assert.deepEqual(faults, [])
  const missing = jobs.start({ ...exporting, version: '0'.repeat(64) } as ImageJob)
  missing.output.on('error', () => undefined)
  await assert.rejects(missing.started, JobFailed)
  assert.equal(faults.length, 1)
})

test('the main thread answers while a job works', async (t) => {
  const { jobs, directory } = await setUp(t)
  const delay = monitorEventLoopDelay({ resolution: 5 })
  const source = { kind: 'directory', path: join(directory, 'source') } as const
  const { output } = jobs.start({ kind: 'import', image: 'other', source })
  output.resume()
  delay.enable()
  await once(output, 'end')
  delay.disable()
  t.diagnostic(`event loop delayed by ${(delay.max / 1e6).toFixed(1)} ms at most`)
  assert.ok(delay.percentile(90) / 1e6 < 100, `by ${delay.percentile(90) / 1e6} ms`)
})

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('the condition did not hold within 20 s')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
