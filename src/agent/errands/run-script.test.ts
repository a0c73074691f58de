import assert from 'node:assert/strict'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { OutputReport } from '../../core/agent-protocol.ts'
import { ServerClient } from '../server-client.ts'
import type { ErrandContext } from './errand-context.ts'
import { runScript } from './run-script.ts'

/** A server that keeps what it is told, and a directory with the script. */
async function setting(t: TestContext, text: string, status = 204) {
  const heard: OutputReport[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const part of request.setEncoding('utf8')) body += part
    heard.push(JSON.parse(body))
    response.writeHead(status).end()
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-run-'))
  const script = join(directory, 'script')
  await writeFile(script, text)
  await chmod(script, 0o700)
  t.after(async () => {
    server.close().closeAllConnections()
    await rm(directory, { recursive: true })
  })
  const client = new ServerClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const context = { order: { errandId: 'e1' }, session: { client }, stop: new AbortController() }
  const run = (timeoutSeconds = 30, environment = {}) =>
    runScript(
      context as unknown as ErrandContext,
      { name: 'script', timeoutSeconds },
      {
        ...{ command: [script, 'one', 'two words'], directory, environment, onBytes: () => {} },
      },
    )
  return { run, directory, context, said: () => heard.map((report) => report.text).join('') }
}

test('runScript() gives the status, and has told both outputs, with arguments and environment', async (t) => {
  const { run, said } = await setting(t, '#!/bin/sh\necho "$1|$2|$BOOTWRIGHT_MACHINE"\necho error >&2\nexit 3\n')
  assert.equal(await run(30, { BOOTWRIGHT_MACHINE: 'rack-1' }), 3)
  assert.deepEqual(said().split('\n').sort(), ['', 'error', 'one|two words|rack-1'])
})

test('runScript() ends a script that takes too long, with what it has started', async (t) => {
  const { run, directory } = await setting(t, '#!/bin/sh\nsleep 60 & echo $! > child\nwait\n')
  await assert.rejects(run(1), /script did not end within 1 s and was ended/)
  const pid = Number(await readFile(join(directory, 'child'), 'utf8'))
  const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => 'gone')
  assert.match(state, /^gone$|\) Z /, 'the child is gone, or waits for its parent to look')
})

test('runScript() does not wait for a process that the script left behind', async (t) => {
  const { run, directory } = await setting(t, '#!/bin/sh\nsleep 60 & echo $! > child\n')
  const startedAt = performance.now()
  assert.equal(await run(), 0)
  assert.ok(performance.now() - startedAt < 20_000)
  process.kill(Number(await readFile(join(directory, 'child'), 'utf8')))
})

test('runScript() says that an interpreter is not there', async (t) => {
  const { run } = await setting(t, '#!/usr/bin/no-such-interpreter\n')
  await assert.rejects(run(), /the interpreter that its first line names is not in the ramdisk/)
})

test('runScript() ends the script when the server does not want its words', async (t) => {
  const { run } = await setting(t, '#!/bin/sh\necho hello\nsleep 60\n', 409)
  await assert.rejects(run(), /The server refused POST \/agent\/output \(409\)/)
})
