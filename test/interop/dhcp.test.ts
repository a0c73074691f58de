import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parseIpv4 } from '../../src/bytes/ipv4.ts'
import { parseMac } from '../../src/bytes/mac.ts'
import type { BootRecord } from '../../src/core/machine.ts'
import { type DhcpBench, openDhcpBench, type ServedDhcp, until } from './dhcp/bench.ts'
import { writeClientScript } from './dhcp/client-script.ts'

async function macOf(bench: DhcpBench): Promise<string> {
  const { stdout } = await bench.client.run('ip', ['-o', 'link', 'show', 'dev', bench.client.interface])
  return /link\/ether (\S+)/.exec(stdout)?.[1] ?? ''
}

/** Ends with a lease, or without one. */
async function udhcpc(bench: DhcpBench, script: string, ...more: string[]): Promise<void> {
  const values = ['-i', bench.client.interface, '-f', '-q', '-n', '-t', '8', '-T', '2', '-s', script, ...more]
  const { code, stderr } = await bench.client.run('udhcpc', values)
  assert.equal(code, 0, stderr)
}

function dhclientValues(bench: DhcpBench, script: string, ...more: string[]): string[] {
  const files = ['-lf', join(bench.directory, 'dhclient.leases'), '-pf', join(bench.directory, 'dhclient.pid')]
  return ['-4', '-1', '-sf', script, ...files, ...more, bench.client.interface]
}

/** Runs in the foreground until the server's story has so many chapters. */
async function dhclient(bench: DhcpBench, script: string, served: ServedDhcp, chapters: number): Promise<void> {
  const child = spawn(...bench.client.command('dhclient', ...dhclientValues(bench, script, '-d')), { stdio: 'ignore' })
  const ended = once(child, 'exit')
  await until(
    // dhclient notes its lease after its script has set the address; killed in between it has nothing to ask for again.
    () => served.story.length >= chapters && hasAddress(bench) && hasNotedLease(bench),
    () => served.story.join('; '),
  )
  child.kill('SIGKILL')
  await ended
}

function hasNotedLease(bench: DhcpBench): boolean {
  return readFileSync(join(bench.directory, 'dhclient.leases'), { encoding: 'utf8', flag: 'a+' }).includes(
    'fixed-address',
  )
}

function hasAddress(bench: DhcpBench): boolean {
  const [file, values] = bench.client.command('ip', '-4', '-o', 'addr', 'show', 'dev', bench.client.interface)
  return execFileSync(file, values, { encoding: 'utf8' }).includes('inet ')
}

for (const [how, more] of [
  ['by unicast', []],
  ['by broadcast', ['-B']],
] as const) {
  test(`serveDhcp() gives udhcpc an address ${how}`, { timeout: 60_000 }, async (t: TestContext) => {
    const bench = await openDhcpBench(t)
    if (!bench) return
    const served = await bench.serve({ overrides: { nameServers: [0x0a630001 as never], domainName: 'rack.test' } })
    const { script, told } = await writeClientScript(bench)
    await udhcpc(bench, script, ...more)
    assert.deepEqual(served.story, ['DISCOVER → OFFER 10.99.0.128', 'REQUEST → ACK 10.99.0.128'])
    for (const line of ['mask=24', 'lease=3600', 'serverid=10.99.0.1', 'dns=10.99.0.1', 'domain=rack.test']) {
      assert.match(told(), new RegExp(`^${line}$`, 'm'))
    }
  })
}

test('serveDhcp() gives a known machine its reservation and name', { timeout: 60_000 }, async (t: TestContext) => {
  const bench = await openDhcpBench(t)
  if (!bench) return
  const machine: BootRecord = {
    ...{ id: 'm1', name: 'web1', macs: [parseMac(await macOf(bench))], group: 'default', address: '10.99.0.20' },
    intent: { kind: 'local', revision: 1 },
  }
  const served = await bench.serve({ machines: [machine] })
  const { script, told } = await writeClientScript(bench)
  await udhcpc(bench, script)
  assert.deepEqual(served.story, ['DISCOVER → OFFER 10.99.0.20', 'REQUEST → ACK 10.99.0.20'])
  assert.match(told(), /^hostname=web1$/m)
})

test('serveDhcp() leaves an unknown machine alone where that is configured', {
  timeout: 60_000,
}, async (t: TestContext) => {
  const bench = await openDhcpBench(t)
  if (!bench) return
  const served = await bench.serve({ overrides: { unknown: 'ignore' } })
  const { script } = await writeClientScript(bench)
  await assert.rejects(udhcpc(bench, script, '-t', '1', '-T', '1'))
  assert.match(served.story[0] ?? '', /DISCOVER → ignore: the machine is not known/)
})

test('serveDhcp() answers an unknown machine that a group claims by its MAC address, and leaves others alone', {
  timeout: 60_000,
}, async (t: TestContext) => {
  const bench = await openDhcpBench(t)
  if (!bench) return
  const { script, told } = await writeClientScript(bench)
  const serveClaiming = async (mac: string) => {
    const siteFile = join(bench.directory, 'site.yaml')
    const group = `claims: [{ mac: '${mac}' }], unknown: approve, domain: lab.test`
    const site = `interfaces: { bw-server: { mode: authoritative } }\nsettings: { unknown: ignore }\ngroups: { lab: { ${group} } }\n`
    await writeFile(siteFile, site)
    return bench.serve({ siteFile })
  }
  const other = await serveClaiming('d0:94:66')
  await assert.rejects(udhcpc(bench, script, '-t', '1', '-T', '1'))
  assert.match(other.story[0] ?? '', /DISCOVER → ignore: the machine is not known/)
  await other.end('SIGTERM')
  const claiming = await serveClaiming((await macOf(bench)).slice(0, 11))
  await udhcpc(bench, script)
  assert.deepEqual(claiming.story, ['DISCOVER → OFFER 10.99.0.128', 'REQUEST → ACK 10.99.0.128'])
  assert.match(told(), /^domain=lab\.test$/m)
})

test('serveDhcp() renews by unicast what udhcpc holds, and takes its release', { timeout: 60_000 }, async (t) => {
  const bench = await openDhcpBench(t)
  if (!bench) return
  const served = await bench.serve()
  const { script } = await writeClientScript(bench)
  const notes = join(bench.directory, 'told')
  // The client has taken the answer only when its script was called; what is asked of it before that may be lost.
  const hasRenewed = () => readFileSync(notes, 'utf8').includes('/script renew')
  const values = ['-i', bench.client.interface, '-f', '-s', script]
  const client = spawn(...bench.client.command('udhcpc', ...values), { stdio: 'ignore' })
  t.after(() => client.kill('SIGKILL'))
  const expected = ['DISCOVER → OFFER 10.99.0.128', 'REQUEST → ACK 10.99.0.128']
  const signals = [
    ['SIGUSR1', 'REQUEST → ACK 10.99.0.128 renewed'],
    ['SIGUSR2', 'RELEASE → ignore: it gave 10.99.0.128 back'],
  ] as const
  await until(
    () => served.story.length === 2 && hasAddress(bench),
    () => served.story.join('; '),
  )
  for (const [signal, chapter] of signals) {
    client.kill(signal)
    expected.push(chapter)
    await until(
      () => served.story.length >= expected.length && (signal === 'SIGUSR2' || hasRenewed()),
      () => `${chapter} after ${served.story.join('; ')}`,
    )
  }
  assert.deepEqual(served.story, expected)
})

test('serveDhcp() knows dhclient again after a restart of both, and takes its release', {
  timeout: 60_000,
}, async (t: TestContext) => {
  const bench = await openDhcpBench(t)
  if (!bench) return
  const first = await bench.serve()
  const { script } = await writeClientScript(bench)
  await dhclient(bench, script, first, 2)
  await first.end('SIGTERM')
  const second = await bench.serve()
  await dhclient(bench, script, second, 1)
  assert.deepEqual(second.story, ['REQUEST → ACK 10.99.0.128'], 'INIT-REBOOT')
  await bench.client.run('dhclient', dhclientValues(bench, script, '-r'))
  await until(
    () => second.story.length === 2,
    () => second.story.join('; '),
  )
  assert.equal(second.story[1], 'RELEASE → ignore: it gave 10.99.0.128 back')
})

test('serveDhcp() refuses dhclient its address of another network, and gives it one of ours', {
  timeout: 60_000,
}, async (t: TestContext) => {
  const bench = await openDhcpBench(t)
  if (!bench) return
  const served = await bench.serve()
  const { script } = await writeClientScript(bench)
  const lease = `lease {
  interface "${bench.client.interface}";
  fixed-address 192.168.55.5;
  option subnet-mask 255.255.255.0;
  option dhcp-lease-time 864000;
  option dhcp-message-type 5;
  option dhcp-server-identifier 192.168.55.1;
  renew 4 2035/01/04 00:00:00;
  rebind 4 2035/01/04 00:00:00;
  expire 4 2035/01/04 00:00:00;
}
`
  await writeFile(join(bench.directory, 'dhclient.leases'), lease)
  await dhclient(bench, script, served, 3)
  assert.deepEqual(served.story, ['REQUEST → NAK', 'DISCOVER → OFFER 10.99.0.128', 'REQUEST → ACK 10.99.0.128'])
})

test('serveDhcp() does not offer an address that somebody else answers for', {
  timeout: 60_000,
}, async (t: TestContext) => {
  const bench = await openDhcpBench(t)
  if (!bench) return
  // The burst's clients have MACs of their own, so the interface's is another's.
  await bench.client.run('ip', ['addr', 'add', '10.99.0.128/24', 'dev', bench.client.interface])
  const served = await bench.serve()
  const { acks, ended } = bench.burst({ clients: 1, concurrency: 1 })
  await ended
  assert.equal(acks[0]?.address, '10.99.0.129')
  const [refusal, ...rest] = served.story
  assert.match(refusal ?? '', /DISCOVER → ignore: 10\.99\.0\.128 was to be offered, but [0-9a-f:]{17} answers for it/)
  assert.deepEqual(rest, ['DISCOVER → OFFER 10.99.0.129', 'REQUEST → ACK 10.99.0.129'])
})

test('serveDhcp() asks for the addresses of hundreds of clients that come at once', {
  timeout: 60_000,
}, async (t: TestContext) => {
  const bench = await openDhcpBench(t)
  if (!bench) return
  for (const [action, prefixLength] of [
    ['del', 24],
    ['add', 16],
  ]) {
    await bench.server.run('ip', ['addr', String(action), `10.99.0.1/${prefixLength}`, 'dev', bench.server.interface])
  }
  // Among the last of the pool: they are in use, and asked for when all the others are.
  const inUse = Array.from({ length: 8 }, (_, index) => `10.99.2.${70 + index}`)
  for (const address of inUse)
    await bench.client.run('ip', ['addr', 'add', `${address}/16`, 'dev', bench.client.interface])
  const pools = [{ first: parseIpv4('10.99.1.1'), last: parseIpv4('10.99.2.100') }]
  await bench.serve({ subnet: '10.99.0.0/16', overrides: { pools } })
  const { acks, ended } = bench.burst({ clients: 340, concurrency: 340 })
  await ended
  assert.deepEqual(
    acks.filter(({ address }) => inUse.includes(address)),
    [],
  )
  assert.equal(new Set(acks.map(({ address }) => address)).size, 340)
})

test('serveDhcp() survives packets that are no DHCP', { timeout: 60_000 }, async (t: TestContext) => {
  const bench = await openDhcpBench(t)
  if (!bench) return
  const served = await bench.serve({ overrides: { probeMs: 0 } })
  await bench.client.run('ip', ['addr', 'add', '10.99.0.2/24', 'dev', bench.client.interface])
  await bench.client.run('bash', ['-c', 'for i in 1 2 3; do echo hello > /dev/udp/10.99.0.1/67; done'])
  await until(
    () => served.story.length === 3,
    () => served.story.join('; '),
  )
  assert.match(served.story[0]!, /^malformed: Cannot decode DHCP message/)
  const { acks, ended } = bench.burst({ clients: 1, concurrency: 1 })
  await ended
  assert.equal(acks.length, 1)
})

test('serveDhcp() says that the port is taken', { timeout: 60_000 }, async (t: TestContext) => {
  const bench = await openDhcpBench(t)
  if (!bench) return
  await bench.serve()
  await assert.rejects(bench.serve(), /the server ended: 1/)
})
