import { execFile } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { firstBootPaths, proofUnit, renderProofScript } from './first-boot.ts'

const run = promisify(execFile)
const golden = (name: string) => readFileSync(new URL(`goldens/${name}`, import.meta.url), 'utf8')

test('renderProofScript() is the whole callback', (t) => {
  t.assert.equal(renderProofScript('http://10.77.0.1:4280'), golden('proof.sh'))
})

test('proofUnit waits for the network and holds nothing up', (t) => {
  t.assert.equal(proofUnit, golden('bootwright-proof.service'))
})

/** A server that answers with these codes in turn, and a directory that stands in for the deployed system's root. */
async function prepare(t: TestContext, statuses: number[]) {
  const requests: { method: string; url: string; authorization: string; body: string }[] = []
  const server = createServer(async (request: IncomingMessage, response) => {
    let body = ''
    for await (const part of request.setEncoding('utf8')) body += part
    const { method = '', url = '', headers } = request
    requests.push({ method, url, authorization: headers.authorization ?? '', body })
    response.writeHead(statuses.shift() ?? 204).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const directory = mkdtempSync(join(tmpdir(), 'proof-'))
  t.after(() => {
    server.close().closeAllConnections()
    rmSync(directory, { recursive: true })
  })
  mkdirSync(join(directory, 'bin'))
  const token = join(directory, 'token')
  writeFileSync(token, 'secret-token\n')
  const text = renderProofScript(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    .replaceAll(firstBootPaths.token, token)
    .replaceAll('/etc/systemd', join(directory, 'systemd'))
    .replaceAll(firstBootPaths.script, join(directory, 'proof.sh'))
  const script = join(directory, 'proof.sh')
  writeFileSync(script, text)
  return { requests, directory, script, token }
}

/** A PATH with nothing but these programs. */
function onlyPrograms(directory: string, names: string[]): NodeJS.ProcessEnv {
  for (const name of names) {
    const found = ['/usr/bin', '/bin'].map((place) => join(place, name)).find((path) => existsSync(path))
    if (found === undefined) throw new Error(`this machine has no ${name}`)
    symlinkSync(found, join(directory, 'bin', name))
  }
  return { PATH: join(directory, 'bin') }
}

for (const client of ['curl', 'bash', 'wget']) {
  test(`the first-boot callback speaks through ${client} and removes its token`, async (t) => {
    if (!existsSync(`/usr/bin/${client}`)) return t.skip(`${client} is not installed`)
    const { requests, directory, script, token } = await prepare(t, [])
    const env = onlyPrograms(directory, ['cat', 'rm', 'sleep', 'timeout', client])
    await run('/bin/sh', [script], { env, timeout: 20_000 })
    t.assert.deepEqual(requests, [
      { method: 'POST', url: '/agent/proof', authorization: 'Bearer secret-token', body: '{}' },
    ])
    t.assert.equal(existsSync(token), false)
    t.assert.equal(existsSync(script), false)
  })
}

test('the first-boot callback tries again and keeps its token until it is heard', async (t) => {
  const { requests, directory, script, token } = await prepare(t, [503, 503])
  const env = onlyPrograms(directory, ['cat', 'rm', 'timeout', 'curl'])
  writeFileSync(join(directory, 'bin/sleep'), '#!/bin/sh\ntest -e "$TOKEN" && echo "$1" >>"$PAUSES"\n')
  chmodSync(join(directory, 'bin/sleep'), 0o755)
  const pauses = join(directory, 'pauses')
  await run('/bin/sh', [script], { env: { ...env, TOKEN: token, PAUSES: pauses }, timeout: 20_000 })
  t.assert.equal(requests.length, 3)
  t.assert.equal(readFileSync(pauses, 'utf8'), '5\n10\n')
})

test('the first-boot callback fails after its last attempt and leaves the token for the next boot', async (t) => {
  const { requests, directory, script, token } = await prepare(t, new Array(20).fill(503))
  const env = onlyPrograms(directory, ['cat', 'rm', 'timeout', 'curl'])
  symlinkSync('/bin/true', join(directory, 'bin/sleep'))
  await t.assert.rejects(run('/bin/sh', [script], { env, timeout: 30_000 }), /did not answer in 14 attempts/)
  t.assert.equal(requests.length, 14)
  t.assert.equal(existsSync(token), true)
})
