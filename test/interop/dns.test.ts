import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openBenchOn, until } from './dhcp/bench.ts'
import { writeClientScript } from './dhcp/client-script.ts'
import { startPeer } from './dhcp/peer.ts'
import { type Network, openNetworkPair } from './network-pair.ts'
import { type ServedSite, serveSite } from './serve-site.ts'

const bootwright = join(import.meta.dirname, '../../bin/bootwright')
const twoMinutes = { timeout: 120_000 }
const upstreamPort = 5353

/** Of the server's interface, with one reservation. */
async function writeSiteFile(t: TestContext, server: Network, names: object): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'dns-'))
  t.after(() => rm(directory, { recursive: true }))
  const file = join(directory, 'site.yaml')
  const subnet = {
    subnet: '10.99.0.0/24',
    probeMs: 0,
    reservations: [{ mac: '52:54:00:00:00:77', address: '10.99.0.77', name: 'printer' }],
  }
  const interfaces = { [server.interface]: { mode: 'authoritative' } }
  await writeFile(file, JSON.stringify({ interfaces, subnets: [subnet], names }))
  return file
}

async function serveNames(t: TestContext, server: Network, names: object): Promise<ServedSite> {
  const site = await serveSite(t, server, ['--config', await writeSiteFile(t, server, names)])
  await until(() => site.said().includes('names are answered'), site.said)
  return site
}

type Dug = { status: string; flags: string[]; answers: string[]; authorities: string[]; text: string }

/** By the client's own dig; answers are `TTL TYPE DATA`. */
async function dig(client: Network, ...values: string[]): Promise<Dug> {
  const { stdout: text } = await client.run('dig', ['@10.99.0.1', '+tries=1', '+time=8', ...values])
  const section = (name: string) =>
    (new RegExp(`;; ${name} SECTION:\n((?:.+\n)*)`).exec(text)?.[1] ?? '')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(/\s+/).toSpliced(2, 1).slice(1).join(' '))
  return {
    status: /status: (\w+)/.exec(text)?.[1] ?? 'none',
    flags: (/flags: ([a-z ]*)/.exec(text)?.[1] ?? '').split(' '),
    ...{ answers: section('ANSWER'), authorities: section('AUTHORITY'), text },
  }
}

test('bootwright serve answers the names of machines and reservations, and tells clients so', twoMinutes, async (t) => {
  const networks = await openNetworkPair(t)
  if (!networks) return
  const { client, server } = networks
  const site = await serveNames(t, server, { domain: 'rack.example' })
  const link = (await client.run('ip', ['-o', 'link', 'show', 'dev', client.interface])).stdout
  const mac = /link\/ether (\S+)/.exec(link)?.[1] ?? ''
  const set = async (...values: string[]) => {
    const { code, stderr } = await site.command('machine', 'set', ...values)
    assert.equal(code, 0, stderr)
  }
  await set('web1', '--mac', '52:54:00:00:00:01', '--address', '10.99.0.20')
  await set('web2', '--mac', mac)
  const bench = await openBenchOn(t, networks)
  const { script, told } = await writeClientScript(bench)
  const values = ['-i', client.interface, '-f', '-q', '-n', '-t', '8', '-T', '2', '-s', script]
  assert.equal((await client.run('udhcpc', values)).code, 0)
  assert.match(told(), /^dns=10\.99\.0\.1$/m)
  assert.match(told(), /^domain=rack\.example$/m)
  const address = /^ip=(.+)$/m.exec(told())![1]!

  assert.match((await site.command('status')).stdout, /rack\.example on bw-server, others from nowhere/)
  assert.deepEqual((await dig(client, 'web1.rack.example')).answers, ['300 A 10.99.0.20'])
  assert.deepEqual((await dig(client, 'web1')).answers, ['300 A 10.99.0.20'])
  const leased = await dig(client, 'web2.rack.example')
  assert.deepEqual(leased.answers, [`60 A ${address}`])
  assert.ok(leased.flags.includes('aa') && !leased.flags.includes('ra'), leased.text)
  assert.deepEqual((await dig(client, '-x', address)).answers, ['60 PTR web2.rack.example.'])
  assert.deepEqual((await dig(client, '-x', '10.99.0.77')).answers, ['300 PTR printer.rack.example.'])
  assert.deepEqual((await dig(client, '+tcp', 'printer.rack.example')).answers, ['300 A 10.99.0.77'])
  const absent = await dig(client, 'web9.rack.example')
  assert.deepEqual([absent.status, absent.flags.includes('aa')], ['NXDOMAIN', true])
  assert.match(absent.authorities[0] ?? '', /^60 SOA rack\.example\. /)
  const other = await dig(client, 'web1.rack.example', 'AAAA')
  assert.deepEqual([other.status, other.answers], ['NOERROR', []])
  assert.equal((await dig(client, '-x', '10.99.0.21')).status, 'NXDOMAIN')
  assert.equal((await dig(client, 'example.org')).status, 'REFUSED')
  assert.equal((await dig(client, '+opcode=NOTIFY', 'web1')).status, 'NOTIMP')
  assert.equal((await dig(client, '+edns=1', '+noednsnegotiation', 'web1')).status, 'BADVERS')

  await set('web1', '--address', '10.99.0.21')
  let moved = await dig(client, 'web1.rack.example')
  const deadlineAt = performance.now() + 20_000
  while (moved.answers[0] !== '300 A 10.99.0.21') {
    assert.ok(performance.now() < deadlineAt, moved.text)
    moved = await dig(client, 'web1.rack.example')
  }
})

test('bootwright serve forwards other names, and remembers the answers', twoMinutes, async (t) => {
  const networks = await openNetworkPair(t)
  if (!networks) return
  const { client, server } = networks
  const texts = Array.from({ length: 12 }, (_, index) => String(index).padEnd(200, 'x')).join(',')
  const dnsmasq = await startPeer(t, server, 'dnsmasq', [
    ...['-d', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--user=root', '--local-ttl=300'],
    ...[`--port=${upstreamPort}`, '--listen-address=127.0.0.1', '--bind-interfaces'],
    ...['--address=/x.example/192.0.2.4', `--txt-record=long.example,${texts}`, '--local=/example/'],
  ])
  await until(() => dnsmasq.output().includes('started'), dnsmasq.output)
  await serveNames(t, server, { domain: 'rack.example', forward: ['127.0.0.1:5352', `127.0.0.1:${upstreamPort}`] })

  const found = await dig(client, 'X.example')
  assert.deepEqual([found.status, found.answers], ['NOERROR', ['300 A 192.0.2.4']])
  assert.ok(found.flags.includes('ra') && !found.flags.includes('aa'), found.text)
  assert.equal((await dig(client, 'nobody.example')).status, 'NXDOMAIN')
  const cut = await dig(client, '+ignore', 'long.example', 'TXT')
  assert.ok(cut.flags.includes('tc') && cut.answers.length === 0, cut.text)
  const whole = await dig(client, 'long.example', 'TXT')
  assert.match(whole.text, /Truncated, retrying in TCP mode/)
  assert.equal(whole.answers[0]?.length, '300 TXT'.length + 12 * 203)

  dnsmasq.process.kill('SIGKILL')
  await once(dnsmasq.process, 'exit')
  const kept = await dig(client, 'x.EXAMPLE')
  assert.match(kept.answers[0] ?? kept.text, /^\d+ A 192\.0\.2\.4$/)
  assert.match(kept.text, /^x\.EXAMPLE\./m)
  assert.equal((await dig(client, 'y.example')).status, 'SERVFAIL')
})

test('bootwright serve does not answer who asks from elsewhere', twoMinutes, async (t) => {
  const networks = await openNetworkPair(t)
  if (!networks) return
  const { client, server } = networks
  await serveNames(t, server, { domain: 'rack.example' })
  await client.run('ip', ['addr', 'add', '10.77.0.9/24', 'dev', client.interface])
  await server.run('ip', ['route', 'add', '10.77.0.0/24', 'dev', server.interface])
  const outside = ['-b', '10.77.0.9', 'printer.rack.example', '+time=1']
  assert.equal((await dig(client, ...outside)).status, 'none')
  assert.equal((await dig(client, '+tcp', ...outside)).status, 'none')
  const reach = ['-s', '--retry', '20', '--retry-connrefused', '--interface', '10.77.0.9', 'http://10.99.0.1:4280/']
  assert.equal((await client.run('curl', reach)).code, 0, 'the server is reached from there')
  assert.equal((await dig(client, 'printer.rack.example')).status, 'NOERROR')
})

test('bootwright serve says that another DNS server has its port', twoMinutes, async (t) => {
  const networks = await openNetworkPair(t)
  if (!networks) return
  const { server } = networks
  const other = ['-d', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--user=root', '--bind-interfaces']
  const dnsmasq = await startPeer(t, server, 'dnsmasq', [...other, `--listen-address=${server.address}`])
  await until(() => dnsmasq.output().includes('started'), dnsmasq.output)
  const file = await writeSiteFile(t, server, { domain: 'rack.example' })
  const data = join(dirname(file), 'data')
  const { code, stderr } = await server.run(bootwright, ['serve', '--config', file, '--data', data])
  assert.equal(code, 1)
  assert.match(
    stderr,
    /names: Cannot answer DNS on bw-server: .*EADDRINUSE.*leave the interface out of names\.interfaces/,
  )
})
