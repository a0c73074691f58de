import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { ProgramFailed } from '../programs/run-program.ts'
import { runLogged } from './logged-run.ts'

async function logIn(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-test-'))
  t.after(() => rm(directory, { recursive: true }))
  return join(directory, 'log')
}

const shared = { input: '', env: process.env, stepTimeoutMs: 30_000, onLine: () => false }

test('runLogged() logs both outputs and gives the program its input', async (t) => {
  const logPath = await logIn(t)
  await runLogged('sh', ['-c', 'cat; echo two >&2'], { ...shared, input: 'one\n', logPath })
  assert.deepEqual((await readFile(logPath, 'utf8')).trim().split('\n').sort(), ['one', 'two'])
})

test('runLogged() tells the last lines of a program that failed', async (t) => {
  const logPath = await logIn(t)
  const run = runLogged('sh', ['-c', 'echo "E: no such package" >&2; echo "W: umount failed"; exit 25'], {
    ...shared,
    logPath,
  })
  await assert.rejects(run, (error: ProgramFailed) => {
    assert.ok(error instanceof ProgramFailed)
    assert.match(error.message, /ended with 25: E: no such package$/)
    return true
  })
})

test('runLogged() ends a step at its deadline, with everything it started', async (t) => {
  const logPath = await logIn(t)
  const run = runLogged('sh', ['-c', 'sleep 600 & wait'], { ...shared, stepTimeoutMs: 200, logPath })
  await assert.rejects(run, /was stopped after 0.2 s in one step/)
})

test('runLogged() stops when its signal fires', async (t) => {
  const logPath = await logIn(t)
  const controller = new AbortController()
  const onLine = () => {
    controller.abort()
    return true
  }
  const run = runLogged('sh', ['-c', 'echo begun; sleep 600'], {
    ...shared,
    onLine,
    signal: controller.signal,
    logPath,
  })
  await assert.rejects(run, /was stopped/)
})

test('runLogged() says that a program cannot be started', async (t) => {
  const logPath = await logIn(t)
  await assert.rejects(runLogged('/nonexistent/program', [], { ...shared, logPath }), /cannot be started/)
})
