import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type DhcpBench, openBenchOn, until } from './dhcp/bench.ts'
import { writeClientScript } from './dhcp/client-script.ts'
import { startPeer } from './dhcp/peer.ts'
import type { PxeClientSettings } from './dhcp/pxe-client.ts'
import { openSharedSegment } from './dhcp/wider-networks.ts'

const launcher = join(import.meta.dirname, '../../bin/bootwright-node')
const pxeClient = join(import.meta.dirname, 'dhcp/pxe-client.ts')
const oneMinute = { timeout: 60_000 }
const mac = '52:54:00:00:00:77'

type Answer = { port: number; says: string; packet: string }

/** A segment where dnsmasq gives addresses, and ours is served in this mode. */
async function openBesideDnsmasq(t: TestContext, mode: string) {
  const networks = await openSharedSegment(t)
  if (!networks) return undefined
  const bench = await openBenchOn(t, networks)
  const leases = join(bench.directory, 'dnsmasq.leases')
  const values = ['-d', '-p', '0', '-C', '/dev/null', '-i', networks.foreign.interface, '--no-ping']
  const range = '--dhcp-range=10.99.0.100,10.99.0.120,255.255.255.0,1h'
  const dnsmasq = await startPeer(t, networks.foreign, 'dnsmasq', [...values, range, `--dhcp-leasefile=${leases}`])
  await until(
    () => dnsmasq.output().includes('DHCP, sockets bound') || dnsmasq.output().includes('DHCP, IP range'),
    () => dnsmasq.output(),
  )
  const siteFile = join(bench.directory, 'site.yaml')
  await writeFile(siteFile, `interfaces: { bw-server: { mode: ${mode} } }\n`)
  return { bench, served: await bench.serve({ siteFile }), dnsmasq, leases }
}

async function askAsFirmware(bench: DhcpBench, rest: Omit<PxeClientSettings, 'interface' | 'mac'>): Promise<Answer[]> {
  const settings: PxeClientSettings = { interface: bench.client.interface, mac, ...rest }
  const { stdout, stderr } = await bench.client.run(launcher, [pxeClient, JSON.stringify(settings)])
  assert.notEqual(stdout, '', stderr)
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer)
}

test(
  'as proxyDHCP beside dnsmasq, firmware gets an address from one and its boot file from the other',
  oneMinute,
  async (t: TestContext) => {
    const beside = await openBesideDnsmasq(t, 'proxy')
    if (!beside) return
    const answers = await askAsFirmware(beside.bench, { architecture: 7, answers: 2 })
    const ours = answers.find(({ says }) => says.includes('from the server 10.99.0.1'))
    const theirs = answers.find(({ says }) => says.includes('from the server 10.99.0.2'))
    assert.match(theirs?.says ?? '', /^OFFER to 52:54:00:00:00:77: address 10\.99\.0\.1[012]\d, no boot file/)
    assert.match(
      ours?.says ?? '',
      /^OFFER to 52:54:00:00:00:77: no address, boot file ipxe\/snponly\.efi of 10\.99\.0\.1/,
    )
    assert.match(ours?.packet ?? '', /60 vendor class: "PXEClient"\n.*43 vendor specific: 060108ff/s)
    assert.doesNotMatch(ours?.packet ?? '', /lease seconds|subnet mask|router|name server/)
  },
)

test(
  'the boot server on port 4011 answers from there, to where the request came from',
  oneMinute,
  async (t: TestContext) => {
    const beside = await openBesideDnsmasq(t, 'proxy')
    if (!beside) return
    const { bench } = beside
    await bench.client.run('ip', ['addr', 'add', '10.99.0.100/24', 'dev', bench.client.interface])
    const settings = { architecture: 0, address: '10.99.0.100', bootServer: '10.99.0.1', answers: 1 }
    const [answer] = await askAsFirmware(bench, settings)
    assert.equal(answer?.port, 4011)
    assert.match(
      answer?.says ?? '',
      /^ACK to 52:54:00:00:00:77: no address, boot file ipxe\/undionly\.kpxe of 10\.99\.0\.1/,
    )
  },
)

test('as proxyDHCP beside dnsmasq, an operating system is left to dnsmasq', oneMinute, async (t: TestContext) => {
  const beside = await openBesideDnsmasq(t, 'proxy')
  if (!beside) return
  const { bench, served, leases } = beside
  const { script, told } = await writeClientScript(bench)
  const values = ['-i', bench.client.interface, '-f', '-q', '-n', '-t', '8', '-T', '2', '-s', script]
  const { code, stderr } = await bench.client.run('udhcpc', values)
  assert.equal(code, 0, stderr)
  assert.match(told(), /^serverid=10\.99\.0\.2$/m)
  assert.match(readFileSync(leases, 'utf8'), /10\.99\.0\.1[012]\d/)
  assert.match(served.story[0] ?? '', /DISCOVER → ignore: it asks for an address only/)
})

test('an interface that is listened to answers nothing and shows what it would', oneMinute, async (t: TestContext) => {
  const beside = await openBesideDnsmasq(t, 'listen')
  if (!beside) return
  const answers = await askAsFirmware(beside.bench, { architecture: 16, answers: 1 })
  assert.match(answers[0]?.says ?? '', /from the server 10\.99\.0\.2$/)
  const events = beside.served.events.filter(({ kind }) => kind === 'reply')
  assert.match(JSON.stringify(events[0]), /"isSilent":true.*http:..10\.99\.0\.1:4280.ipxe.snponly.efi/)
})

test('another DHCP server where we are authoritative is told, once', oneMinute, async (t: TestContext) => {
  const beside = await openBesideDnsmasq(t, 'authoritative')
  if (!beside) return
  const { bench, served } = beside
  const { script } = await writeClientScript(bench)
  for (let round = 0; round < 2; round++) {
    const values = ['-i', bench.client.interface, '-f', '-q', '-n', '-t', '8', '-T', '2', '-s', script, '-B']
    await bench.client.run('udhcpc', values)
  }
  await until(
    () => served.story.some((line) => line.startsWith('other server 10.99.0.2')),
    () => served.story.join('; '),
  )
  assert.equal(served.events.filter(({ kind }) => kind === 'other-server').length, 1)
})
