import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import type { TftpEvent } from '../../src/tftp/tftp-event.ts'
import { type Network, openNetworkPair, type ProgramResult } from './network-pair.ts'

const launcher = join(import.meta.dirname, '../../bin/bootwright-node')

type Bench = { client: Network; server: Network; files: string; fetched: string; events: TftpEvent[] }

/** A server on one end of a cable and an empty directory for the client on the other. */
async function openBench(t: TestContext, loss = 0): Promise<Bench | undefined> {
  const networks = await openNetworkPair(t)
  if (networks === undefined) return undefined
  const [files, fetched] = await Promise.all(
    ['files', 'fetched'].map((name) => mkdtemp(join(tmpdir(), `tftp-${name}-`))) as [Promise<string>, Promise<string>],
  )
  const { server } = networks
  const [program, values] = server.command(
    launcher,
    join(import.meta.dirname, 'tftp/serve.ts'),
    server.interface,
    server.address,
    files,
    String(loss),
  )
  const child = spawn(program, values, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(async () => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    await Promise.all([files, fetched].map((path) => rm(path, { recursive: true })))
  })
  const events: TftpEvent[] = []
  const listening = Promise.withResolvers<void>()
  createInterface(child.stdout).on('line', (line) => {
    if (line === 'listening') listening.resolve()
    else events.push(JSON.parse(line))
  })
  child.once('exit', (code) => listening.reject(new Error(`the server ended with code ${code}`)))
  await listening.promise
  return { ...networks, files, fetched, events }
}

type Fetch = (bench: Bench, name: string, toFile: string) => Promise<ProgramResult>

/** The clients, each as it is used without options and with what it can ask for. */
const clients: Record<string, Fetch> = {
  'tftp-hpa': ({ client, server }, name, toFile) =>
    client.run('tftp', ['-m', 'binary', server.address, '-c', 'get', name, toFile]),
  atftp: ({ client, server }, name, toFile) =>
    client.run('atftp', ['--option', 'timeout 1', '-g', '-r', name, '-l', toFile, server.address]),
  'atftp with large blocks and a window': ({ client, server }, name, toFile) => {
    const options = ['blksize 1468', 'tsize 0', 'windowsize 16', 'timeout 1'].flatMap((option) => ['--option', option])
    return client.run('atftp', [...options, '-g', '-r', name, '-l', toFile, server.address])
  },
  curl: ({ client, server }, name, toFile) =>
    client.run('curl', ['--silent', '--show-error', '--output', toFile, `tftp://${server.address}/${name}`]),
  'curl with large blocks': ({ client, server }, name, toFile) => {
    const options = ['--silent', '--show-error', '--tftp-blksize', '1468', '--output', toFile]
    return client.run('curl', [...options, `tftp://${server.address}/${name}`])
  },
  'curl without options': ({ client, server }, name, toFile) => {
    const options = ['--silent', '--show-error', '--tftp-no-options', '--output', toFile]
    return client.run('curl', [...options, `tftp://${server.address}/${name}`])
  },
}

async function assertSame(bench: Bench, name: string, toFile: string, result: ProgramResult): Promise<void> {
  assert.equal(result.code, 0, `${name}: ${result.stderr}`)
  const [sent, got] = await Promise.all([readFile(join(bench.files, name)), readFile(toFile)])
  assert.equal(digest(got), digest(sent), `${name}: ${got.length} of ${sent.length} bytes`)
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

test('serveTftp() gives files of every size near a block to real clients', async (t) => {
  const bench = await openBench(t)
  if (bench === undefined) return
  const sizes = [1, 511, 512, 513, 1468, 2936, 300_000]
  for (const sizeBytes of sizes) await writeFile(join(bench.files, `f${sizeBytes}`), randomBytes(sizeBytes))
  for (const [client, fetch] of Object.entries(clients)) {
    await t.test(client, async () => {
      for (const sizeBytes of sizes) {
        const toFile = join(bench.fetched, `${client.replaceAll(' ', '-')}-${sizeBytes}`)
        await assertSame(bench, `f${sizeBytes}`, toFile, await fetch(bench, `f${sizeBytes}`, toFile))
      }
    })
  }
})

test('serveTftp() gets through to real clients over a link that loses a twentieth both ways', async (t) => {
  const bench = await openBench(t, 0.05)
  if (bench === undefined) return
  await writeFile(join(bench.files, 'loader'), randomBytes(8_000))
  for (const client of ['atftp', 'atftp with large blocks and a window', 'tftp-hpa', 'curl']) {
    await t.test(client, async () => {
      const toFile = join(bench.fetched, client.replaceAll(' ', '-'))
      await assertSame(bench, 'loader', toFile, await clients[client]!(bench, 'loader', toFile))
    })
  }
})

test('serveTftp() tells real clients at once that a file is missing or cannot be written', async (t) => {
  const bench = await openBench(t)
  if (bench === undefined) return
  const { client, server, fetched, events } = bench
  const missing = await clients.curl!(bench, 'absent', join(fetched, 'absent'))
  assert.equal(missing.code, 68) // curl: TFTP file not found
  const outside = await client.run('tftp', [server.address, '-c', 'get', '/../../etc/passwd', join(fetched, 'passwd')])
  assert.match(outside.stdout, /no such file/)
  await writeFile(join(fetched, 'upload'), 'x')
  const upload = await client.run('tftp', [server.address, '-c', 'put', join(fetched, 'upload'), 'upload'])
  assert.match(upload.stdout, /this server does not take files/)
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['missing', 'missing', 'refused'],
  )
  assert.ok(events.every(({ durationMs }) => durationMs < 500))
})

test('serveTftp() follows absolute paths and links of an old configuration, and refuses a link that leads out', async (t) => {
  const bench = await openBench(t)
  if (bench === undefined) return
  const { client, server, files, fetched, events } = bench
  await mkdir(join(files, 'pxelinux.cfg'))
  await mkdir(join(files, 'roles'))
  await writeFile(join(files, 'roles', 'worker.cfg'), 'DEFAULT worker\n')
  await symlink('../roles/worker.cfg', join(files, 'pxelinux.cfg', '01-52-54-00-77-00-01'))
  await symlink('/etc/hostname', join(files, 'pxelinux.cfg', 'default'))
  const get = (path: string) => client.run('tftp', [server.address, '-c', 'get', path, join(fetched, 'got')])
  await get('/var/lib/tftpboot/pxelinux.cfg/01-52-54-00-77-00-01')
  assert.equal(await readFile(join(fetched, 'got'), 'utf8'), 'DEFAULT worker\n')
  assert.match((await get('/tftpboot/pxelinux.cfg/default')).stdout, /this file leads out of what is served/)
  const refused = events.at(-1)!
  assert.ok(
    refused.kind === 'refused' && /default leads to \/etc\/hostname/.test(refused.reason),
    JSON.stringify(refused),
  )
})

test('serveTftp() gives text in netascii to tftp-hpa', async (t) => {
  const bench = await openBench(t)
  if (bench === undefined) return
  const content = 'a\nb\r\nc\rd\n'.repeat(300)
  await writeFile(join(bench.files, 'text'), content)
  const toFile = join(bench.fetched, 'text')
  await bench.client.run('tftp', ['-m', 'ascii', bench.server.address, '-c', 'get', 'text', toFile])
  assert.equal(await readFile(toFile, 'latin1'), content)
})

test('serveTftp() counts on beyond block 65535', async (t) => {
  const bench = await openBench(t)
  if (bench === undefined) return
  const sizeBytes = 512 * 65_600 + 7
  await writeFile(join(bench.files, 'large'), '')
  await truncate(join(bench.files, 'large'), sizeBytes)
  const toFile = join(bench.fetched, 'large')
  await assertSame(bench, 'large', toFile, await clients['curl without options']!(bench, 'large', toFile))
  const [event] = bench.events
  assert.ok(event?.kind === 'sent' && event.bytes === sizeBytes)
  t.diagnostic(`${(sizeBytes / 1e3 / event.durationMs).toFixed(1)} MB/s in blocks of 512 bytes, one at a time`)
})

test('serveTftp() serves many clients at once', async (t) => {
  const bench = await openBench(t)
  if (bench === undefined) return
  await writeFile(join(bench.files, 'loader'), randomBytes(1_000_000))
  const startedAt = performance.now()
  await Promise.all(
    Array.from({ length: 8 }, async (_, index) => {
      const toFile = join(bench.fetched, `loader${index}`)
      await assertSame(
        bench,
        'loader',
        toFile,
        await clients['atftp with large blocks and a window']!(bench, 'loader', toFile),
      )
    }),
  )
  t.diagnostic(`${(8000 / (performance.now() - startedAt)).toFixed(1)} MB/s to eight clients at once`)
})
