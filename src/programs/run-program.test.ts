import { test } from 'node:test'
import { ProgramFailed, runProgram } from './run-program.ts'

test('runProgram() gives standard output and passes input', async (t) => {
  t.assert.equal(await runProgram('cat', ['-'], { input: 'label: gpt\n', timeoutMs: 5000 }), 'label: gpt\n')
})

test('runProgram() names the program, its exit code and what it said', async (t) => {
  await t.assert.rejects(
    runProgram('sh', ['-c', 'echo no medium >&2; exit 3'], { timeoutMs: 5000 }),
    (error) => error instanceof ProgramFailed && /ended with code 3: no medium$/.test(error.message),
  )
})

test('runProgram() says when a program is missing', async (t) => {
  await t.assert.rejects(
    runProgram('no-such-program', [], { timeoutMs: 5000 }),
    /"no-such-program" is not on this machine/,
  )
})

test('runProgram() kills a program at its deadline', async (t) => {
  await t.assert.rejects(runProgram('sleep', ['60'], { timeoutMs: 50 }), /did not end within 0.05 s/)
})

test('runProgram() kills a program when the deployment is stopped', async (t) => {
  const stop = new AbortController()
  const run = runProgram('sleep', ['60'], { timeoutMs: 5000, signal: stop.signal })
  stop.abort()
  await t.assert.rejects(run, /was stopped/)
})

test('runProgram() does not mind a program that leaves its input unread', async (t) => {
  t.assert.equal(await runProgram('true', [], { input: 'x'.repeat(1 << 20), timeoutMs: 5000 }), '')
})
