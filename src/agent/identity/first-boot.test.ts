import { execFile } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
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
import type { Hook } from '../../core/setup.ts'
import { InsideRoot } from '../inside-root.ts'
import { firstBootPaths, proofUnit, renderProofScript, writeFirstBoot } from './first-boot.ts'
import { hooksDirectory, writeFirstBootHooks } from './first-boot-hooks.ts'

const run = promisify(execFile)
const golden = (name: string) => readFileSync(new URL(`goldens/${name}`, import.meta.url), 'utf8')

test('renderProofScript() is the whole callback', (t) => {
  t.assert.equal(renderProofScript('http://10.77.0.1:4280'), golden('proof.sh'))
})

test('proofUnit waits for the network and holds nothing up', (t) => {
  t.assert.equal(proofUnit, golden('bootwright-proof.service'))
})

function hooksOf(scripts: readonly string[]): Hook[] {
  const scope = { kind: 'group', name: 'web' } as const
  return scripts.map((script) => ({ scope, point: 'first-boot', script, timeoutSeconds: 2 }))
}

/** A server that answers with these codes in turn, and a directory that stands in for the deployed system's root. */
async function prepare(t: TestContext, statuses: number[], hooks: Hook[] = []) {
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
  const text = renderProofScript(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, hooks)
    .replaceAll(hooksDirectory, join(directory, 'hooks'))
    .replaceAll(firstBootPaths.token, token)
    .replaceAll('/etc/systemd', join(directory, 'systemd'))
    .replaceAll(firstBootPaths.script, join(directory, 'proof.sh'))
  const script = join(directory, 'proof.sh')
  writeFileSync(script, text)
  const root = new InsideRoot(mkdtempSync(join(directory, 'root-')))
  writeFirstBootHooks(root, hooks, { BOOTWRIGHT_VAR_NTP: "it's 10.0.0.1" })
  if (hooks.length > 0) renameSync(root.makeDirectory(hooksDirectory), join(directory, 'hooks'))
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
    const env = onlyPrograms(directory, ['cat', 'rm', 'sleep', 'timeout', 'wc', client])
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

test('renderProofScript() with hooks runs them before the callback', (t) => {
  t.assert.equal(renderProofScript('http://10.77.0.1:4280', hooksOf(['', ''])), golden('proof-with-hooks.sh'))
})

const programsOfHooks = [...['cat', 'rm', 'sh', 'sleep', 'timeout', 'curl', 'date', 'sync', 'tail', 'touch'], 'env']

for (const [what, scripts, expected] of [
  [
    'tells what every hook said before it proves',
    [
      `#!/bin/sh\necho "ntp is $BOOTWRIGHT_VAR_NTP at $BOOTWRIGHT_POINT"; umask`,
      '#!/bin/sh\nprintf no-line-end; echo oops >&2',
    ],
    [
      ['hook=1&status=0', "ntp is it's 10.0.0.1 at first-boot\n0022\n"],
      ['hook=2&status=0', 'no-line-endoops\n'],
    ],
  ],
  [
    'runs nothing after a hook that failed',
    ['#!/bin/sh\necho words; exit 3', '#!/bin/sh\necho never'],
    [['hook=1&status=3', 'words\n']],
  ],
  ['ends a hook at its time limit', ['#!/bin/sh\necho slow; sleep 60'], [['hook=1&status=124', 'slow\n']]],
] as const) {
  test(`the first boot ${what}`, async (t: TestContext) => {
    if (!existsSync('/usr/bin/curl')) return t.skip('curl is not installed')
    const { requests, directory, script } = await prepare(t, [], hooksOf(scripts))
    await run('/bin/sh', [script], { env: onlyPrograms(directory, programsOfHooks), timeout: 20_000 })
    const told = requests.map(({ url, body }) => [url.replace(/^\/agent\/first-boot\?|&seconds=\d+$/g, ''), body])
    t.assert.deepEqual(told, [...expected, ['/agent/proof', '{}']])
    t.assert.ok(requests.every(({ authorization }) => authorization === 'Bearer secret-token'))
    t.assert.equal(existsSync(join(directory, 'hooks')), false, 'scripts, variables and outputs are gone')
  })
}

test('the first boot runs a hook once, and says that it was cut off', async (t) => {
  if (!existsSync('/usr/bin/curl')) return t.skip('curl is not installed')
  const { requests, directory, script } = await prepare(t, [], hooksOf(['#!/bin/sh\ntouch "$RAN"']))
  writeFileSync(join(directory, 'hooks/1.begun'), '')
  const ran = join(directory, 'ran')
  const env = { ...onlyPrograms(directory, programsOfHooks), RAN: ran }
  await run('/bin/sh', [script], { env, timeout: 20_000 })
  t.assert.equal(existsSync(ran), false)
  t.assert.equal(requests[0]?.url, '/agent/first-boot?hook=1&status=interrupted&seconds=0')
})

test('the first boot tells again what was not heard, and does not run again', async (t) => {
  if (!existsSync('/usr/bin/curl')) return t.skip('curl is not installed')
  const { requests, directory, script } = await prepare(t, [503], hooksOf(['#!/bin/sh\necho ran >>"$RAN"; echo done']))
  const ran = join(directory, 'ran')
  const env = {
    ...onlyPrograms(
      directory,
      programsOfHooks.filter((name) => name !== 'sleep'),
    ),
    RAN: ran,
  }
  symlinkSync('/bin/true', join(directory, 'bin/sleep'))
  await run('/bin/sh', [script], { env, timeout: 20_000 })
  t.assert.equal(readFileSync(ran, 'utf8'), 'ran\n')
  t.assert.deepEqual(
    requests.map(({ url }) => url.split('?')[0]),
    ['/agent/first-boot', '/agent/first-boot', '/agent/proof'],
  )
})

for (const client of ['bash', 'wget']) {
  test(`the first boot's output goes through ${client} as it is`, async (t) => {
    if (!existsSync(`/usr/bin/${client}`)) return t.skip(`${client} is not installed`)
    const { requests, directory, script } = await prepare(t, [], hooksOf([`#!/bin/sh\nprintf '%s\\n' 'ä "%s" \\n $x'`]))
    const names = [...programsOfHooks.filter((name) => name !== 'curl'), 'wc', client]
    await run('/bin/sh', [script], { env: onlyPrograms(directory, names), timeout: 20_000 })
    t.assert.equal(requests[0]?.body, 'ä "%s" \\n $x\n')
  })
}

test('writeFirstBoot() refuses hooks where nothing would run them', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'no-systemd-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const hooks = hooksOf(['#!/bin/sh'])
  t.assert.throws(
    () => writeFirstBoot(new InsideRoot(directory), 'http://10.0.0.1', 'token', { hooks, environment: {} }),
    /has no systemd, which would run its first-boot hooks; use after-write hooks instead/,
  )
})
