import assert from 'node:assert/strict'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { runProgram } from '../programs/run-program.ts'
import { ExecutableUnusable, stripExecutable } from './strip-executable.ts'

async function scratch(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-strip-'))
  t.after(() => rm(directory, { recursive: true }))
  return directory
}

test('stripExecutable() leaves a program that runs, with its libraries to be read and no sections', async (t) => {
  const stripped = join(await scratch(t), 'node')
  await stripExecutable(process.execPath, stripped)
  assert.ok((await stat(stripped)).size < (await stat(process.execPath)).size)
  assert.equal(await runProgram(stripped, ['-p', '6 * 7']), '42\n')
  assert.match(await runProgram('readelf', ['-d', '-W', stripped]), /\(NEEDED\).*libc\.so\.6/)
  assert.match(await runProgram('readelf', ['-h', '-W', stripped]), /Number of section headers:\s+0/)
})

test('stripExecutable() throws ExecutableUnusable for what is no program', async (t) => {
  const directory = await scratch(t)
  await writeFile(join(directory, 'script'), '#!/bin/sh\n')
  await assert.rejects(stripExecutable(join(directory, 'script'), join(directory, 'out')), ExecutableUnusable)
})
