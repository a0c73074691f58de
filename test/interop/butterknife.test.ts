import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { Publications } from '../../src/butterknife/publications.ts'
import { runButterknifeWorker } from '../../src/butterknife/run-butterknife-worker.ts'
import { importDirectory } from '../../src/image/import-directory.ts'
import { describeWithTools, makeNastyTree, skipsWithoutRoot } from '../../src/image/nasty-tree.fixture.ts'
import { assertSameDescription, changeNastyTree } from '../../src/image/renditions/changed-tree.fixture.ts'
import { ensureRendition } from '../../src/image/renditions/ensure-rendition.ts'
import { openRepository, type Version } from '../../src/image/repository.ts'
import { openSigningKey } from '../../src/image/signing-key.ts'

const run = promisify(execFile)
const deadlineMs = 120_000
const tools = ['curl', 'jq', 'zcat', 'btrfs', 'mkfs.btrfs', 'openssl']

/** A shell line as the old scripts have it; `$URL` and `$POOL` as there. */
async function shell(line: string, variables: Record<string, string>): Promise<string> {
  const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', line], {
    env: { ...process.env, ...variables },
    timeout: deadlineMs,
    maxBuffer: 64 * 1024 * 1024,
  })
  return stdout
}

/** Two versions of one image, the second made of the first by every kind of change. */
async function openSite(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'butterknife-'))
  const repository = await openRepository(join(directory, 'images'))
  const signingKey = await openSigningKey(join(directory, 'keys'))
  const source = join(directory, 'source')
  await mkdir(source)
  makeNastyTree(source, 7)
  await writeFile(join(source, 'bulk'), Buffer.from(await shell('seq 1 3000000', {})))
  const first = await importDirectory(repository, source, { image: 'workstation', comment: 'as built', signingKey })
  const before = describeWithTools(source)
  changeNastyTree(source)
  await appendFile(join(source, 'bulk'), 'changed')
  const second = await importDirectory(repository, source, { image: 'workstation', signingKey })
  const after = describeWithTools(source)
  const publications = new Publications(join(directory, 'publications'))
  await publications.put({ image: 'workstation', description: 'For "every" desk', networks: ['127.0.0.1/32'] })
  const faults: unknown[] = []
  const made: string[] = []
  const stop = new AbortController()
  const { promise: listening, resolve } = Promise.withResolvers<number>()
  const ended = runButterknifeWorker({
    address: '127.0.0.1',
    port: 0,
    trustedProxies: ['127.0.0.2/32'],
    imageDirectory: repository.directory,
    cacheDirectory: join(directory, 'streams'),
    mostCachedBytes: 2 ** 30,
    publicationsDirectory: join(directory, 'publications'),
    ensureRendition: ({ version, parent }, signal) => {
      made.push(`${version} ${parent ?? ''}`)
      return ensureRendition(repository, version, { name: 'btrfs', parent }, { signingKey, signal })
    },
    onListening: resolve,
    onFault: (error) => faults.push(error),
    signal: stop.signal,
  })
  t.after(async () => {
    stop.abort()
    await ended
    await rm(directory, { recursive: true })
  })
  const port = await Promise.race([listening, ended.then(() => assert.fail('it ended'))])
  const versions = { first: { ...first, description: before }, second: { ...second, description: after } }
  return { directory, port, url: `http://127.0.0.1:${port}/api`, publications, faults, made, ...versions }
}

/** A real btrfs to receive into. */
async function mountPool(t: TestContext, directory: string): Promise<string> {
  const pool = join(directory, 'pool')
  await mkdir(pool)
  await run('truncate', ['-s', '2G', `${pool}.img`])
  await run('mkfs.btrfs', ['-q', `${pool}.img`])
  await run('mount', ['-o', 'loop', `${pool}.img`, pool])
  t.after(() => run('umount', [pool]))
  return pool
}

const name = (version: Version) => `snap${version.createdAt}`

test('the Butterknife API serves the pipelines of the old scripts', { timeout: 300_000 }, async (t) => {
  if (skipsWithoutRoot(t) || (await skipsWithoutTools(t))) return
  const site = await openSite(t)
  const { first, second } = site
  // Hooks run in order: the pool is below the directory that openSite() removes, so it lies elsewhere.
  const poolDirectory = await mkdtemp(join(tmpdir(), 'butterknife-pool-'))
  const POOL = await mountPool(t, poolDirectory)
  t.after(() => rm(poolDirectory, { recursive: true }))
  // The old boot line's bk_url ends in a slash, to which the script adds another.
  const URL = `${site.url}/`
  const lines = async (line: string, more: Record<string, string> = {}) =>
    (await shell(line, { URL, POOL, ...more })).trimEnd().split('\n')

  await t.test('the menu of containers', async () => {
    const jq = `jq '.containers[] | .name + " \\"" + .description + "\\""' -r`
    assert.deepEqual(await lines(`curl -s $URL/container/ | ${jq}`), ['workstation "For "every" desk"'])
  })
  await t.test('the menu of snapshots, newest first', async () => {
    const jq = `jq '.snapshots[] | .name+" \\""+.comment + "\\""' -r`
    const expected = [`${name(second)} ""`, `${name(first)} "as built"`]
    assert.deepEqual(await lines(`curl -s $URL/container/workstation/snapshot/ | ${jq}`), expected)
  })
  await t.test('a whole stream into a real btrfs', async () => {
    const line = 'curl $URL/container/workstation/snapshot/$SNAP/stream?src= | zcat | btrfs receive $POOL/'
    await lines(line, { SNAP: name(first) })
    assertSameDescription(describeWithTools(join(POOL, first.id)), first.description)
  })
  await t.test('a differential stream onto it', async () => {
    const stream = '$URL/container/workstation/snapshot/$SNAP/stream?parent=$PARENT'
    const variables = { SNAP: name(second), PARENT: name(first) }
    await lines(`curl "${stream}" | zcat | btrfs receive $POOL/`, variables)
    const [sizeBytes] = await lines(`curl -s "${stream}" | wc -c`, variables)
    assert.ok(Number(sizeBytes) < 2_000_000, `the differential stream has ${sizeBytes} bytes`)
    assertSameDescription(describeWithTools(join(POOL, second.id)), second.description)
  })
  await t.test('a differential stream by the list of what the client has', async () => {
    await mkdir(join(POOL, 'again'))
    const line =
      'curl -s "$URL/container/workstation/snapshot/$SNAP/stream?src=$HAS," | zcat | btrfs receive $POOL/again'
    await lines(line, { SNAP: name(second), HAS: name(first) })
    assertSameDescription(describeWithTools(join(POOL, 'again', second.id)), second.description)
  })
  assert.deepEqual(site.made, [`${first.id} `, `${second.id} ${first.id}`])
  assert.deepEqual(site.faults, [])
})

test('the Butterknife API serves many clients at once, and does not mind those that leave', async (t) => {
  if (skipsWithoutRoot(t) || (await skipsWithoutTools(t))) return
  const site = await openSite(t)
  const stream = `${site.url}/container/workstation/snapshot/${name(site.second)}/stream`
  const [left, ...digests] = await Promise.all([
    leaveEarly(stream),
    ...Array.from({ length: 24 }, () => shell('curl -sS --fail "$STREAM" | zcat | sha256sum', { STREAM: stream })),
  ])
  assert.equal(left, 'SIGKILL')
  assert.equal(new Set(digests).size, 1, 'every client got the same')
  assert.deepEqual(site.made, [`${site.second.id} `], 'it was made once')
  assert.deepEqual(await readdir(join(site.directory, 'streams')).then((names) => names.map((n) => n.slice(64))), [
    '.gz',
  ])
  // What is kept can be resumed.
  const resumed = '{ curl -s --range 0-99999 "$STREAM"; curl -s --range 100000- "$STREAM"; } | zcat | sha256sum'
  assert.equal(await shell(resumed, { STREAM: stream }), digests[0])
  assert.deepEqual(site.faults, [])
})

test('the Butterknife API shows an image to the networks it is published to, and to nobody else', async (t) => {
  if (skipsWithoutRoot(t) || (await skipsWithoutTools(t))) return
  const { url, publications, first, made } = await openSite(t)
  const paths = ['', '/snapshot/', `/snapshot/${name(first)}/stream`].map(
    (path) => `${url}/container/workstation${path}`,
  )
  const head = 'curl -s -o /dev/null --head -w "%{http_code}" "$URL"'
  const statuses = () => Promise.all(paths.map((path) => shell(head, { URL: path })))
  assert.deepEqual(await statuses(), ['200', '200', '200'])
  await publications.put({ image: 'workstation', description: '', networks: ['10.0.0.0/8', '::/0'] })
  assert.deepEqual(await statuses(), ['404', '404', '404'])
  assert.equal(await shell('curl -s $URL/container/', { URL: url }), '{"containers":[]}')
  // A client cannot say that it is somebody else; the proxy of this site can.
  const forged =
    'curl -s -o /dev/null -w "%{http_code}" -H "X-Forwarded-For: 10.1.2.3" $FROM $URL/container/workstation/'
  assert.equal(await shell(forged, { URL: url, FROM: '' }), '404')
  assert.equal(await shell(forged, { URL: url, FROM: '--interface 127.0.0.2' }), '200')
  await publications.remove('workstation')
  assert.equal(await shell(forged, { URL: url, FROM: '--interface 127.0.0.2' }), '404')
  for (const path of ['/container/other/snapshot/', '/container/..%2f..%2fetc/snapshot/', '/template/', '/v1/images/'])
    assert.equal(await shell('curl -s -o /dev/null -w "%{http_code}" --path-as-is "$URL"', { URL: url + path }), '404')
  assert.deepEqual(made, [])
})

test('the Butterknife API works behind an HTTPS proxy', async (t) => {
  if (skipsWithoutRoot(t) || (await skipsWithoutTools(t))) return
  const site = await openSite(t)
  const { port, certificate } = await startProxy(t, site.port)
  const variables = { CA: certificate, URL: `https://localhost:${port}/api/` }
  const names = 'curl -s --cacert $CA $URL/container/workstation/snapshot/ | jq -r ".snapshots[] .name"'
  assert.equal(await shell(names, variables), `${name(site.second)}\n${name(site.first)}\n`)
  const stream = 'curl -sS --cacert $CA $URL/container/workstation/snapshot/$SNAP/stream | zcat | head -c 12'
  assert.equal(await shell(`set +o pipefail; ${stream}`, { ...variables, SNAP: name(site.first) }), 'btrfs-stream')
})

/** A client that is killed when it has had the first bytes. */
async function leaveEarly(stream: string): Promise<NodeJS.Signals | null> {
  const client: ChildProcess = spawn('curl', ['-s', '-N', '--limit-rate', '100k', stream], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  await once(client.stdout!, 'data', { signal: AbortSignal.timeout(deadlineMs) })
  const ended = once(client, 'exit')
  client.kill('SIGKILL')
  const [, signal] = await ended
  return signal
}

/** Ends TLS and passes requests on, as any web server before a service does. */
async function startProxy(t: TestContext, servicePort: number): Promise<{ port: number; certificate: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'butterknife-proxy-'))
  const [keyFile, certificate] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const form = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1']
  await run('openssl', [...form, ...subject, '-keyout', keyFile, '-out', certificate])
  const tls = { key: await readFile(keyFile), cert: await readFile(certificate) }
  const proxy = createSecureServer(tls, (request, response) => {
    const { method, url, headers } = request
    const passed = httpRequest({ host: '127.0.0.1', port: servicePort, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(response)
    })
    response.on('close', () => passed.destroy())
    passed.on('error', () => response.destroy())
    request.pipe(passed)
  })
  proxy.listen(0, 'localhost')
  await once(proxy, 'listening')
  t.after(async () => {
    proxy.closeAllConnections()
    proxy.close()
    await rm(directory, { recursive: true })
  })
  return { port: (proxy.address() as AddressInfo).port, certificate }
}

async function skipsWithoutTools(t: TestContext): Promise<boolean> {
  for (const tool of tools) {
    const isThere = await run('sh', ['-c', 'command -v "$1"', 'sh', tool]).then(
      () => true,
      () => false,
    )
    if (isThere) continue
    if (process.env.REQUIRE_INTEROP === '1') assert.fail(`${tool} is missing`)
    t.skip(`${tool} is missing`)
    return true
  }
  return false
}
