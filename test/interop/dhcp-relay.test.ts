import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type DhcpBench, openBenchOn, until } from './dhcp/bench.ts'
import { writeClientScript } from './dhcp/client-script.ts'
import { startPeer } from './dhcp/peer.ts'
import { openRelayedNetworks } from './dhcp/wider-networks.ts'

const site = `
interfaces:
  bw-server: { mode: authoritative }
subnets:
  - subnet: 10.98.0.0/24
    pools: [10.98.0.50-10.98.0.60]
    routers: [10.98.0.1]
    probeMs: 0
`

async function serveSite(bench: DhcpBench) {
  const siteFile = join(bench.directory, 'site.yaml')
  await writeFile(siteFile, site)
  return bench.serve({ siteFile })
}

const relays = [
  ['dhcrelay', ['-4', '-d', '-a', '--no-pid', '-id', 'bw-down', '-iu', 'bw-client', '10.99.0.1'], 'option 82'],
  ['dhcrelay', ['-4', '-d', '--no-pid', '-id', 'bw-down', '-iu', 'bw-client', '10.99.0.1'], 'no option 82'],
  ['dhcp-helper', ['-n', '-s', '10.99.0.1', '-i', 'bw-down'], 'no option 82'],
] as const

for (const [relayName, values, what] of relays) {
  test(`serveDhcp() answers udhcpc behind ${relayName} with ${what}, and its renewal through the router`, {
    timeout: 60_000,
  }, async (t: TestContext) => {
    const networks = await openRelayedNetworks(t)
    if (!networks) return
    const bench = await openBenchOn(t, networks)
    const served = await serveSite(bench)
    const relay = await startPeer(t, networks.relay, relayName, [...values])
    await until(
      () => relay.process.exitCode !== null || relayName === 'dhcp-helper' || /Sending on/.test(relay.output()),
      () => relay.output(),
    )
    const { script, told } = await writeClientScript(bench)
    const udhcpc = ['-i', bench.client.interface, '-f', '-s', script, '-T', '1']
    const client = spawn(...bench.client.command('udhcpc', ...udhcpc), { stdio: 'ignore' })
    t.after(() => client.kill('SIGKILL'))
    await until(
      () => told().includes('/script bound'),
      () => `${served.story.join('; ')} ${relay.output()}`,
    )
    client.kill('SIGUSR1')
    await until(
      () => told().includes('/script renew'),
      () => served.story.join('; '),
    )
    assert.match(told(), /^router=10\.98\.0\.1$/m)
    assert.deepEqual(served.story, [
      'DISCOVER → OFFER 10.98.0.50',
      'REQUEST → ACK 10.98.0.50',
      'REQUEST → ACK 10.98.0.50 renewed',
    ])
  })
}

test('serveDhcp() asks a routed address whether somebody has it before it is offered', {
  timeout: 60_000,
}, async (t: TestContext) => {
  const networks = await openRelayedNetworks(t)
  if (!networks) return
  const bench = await openBenchOn(t, networks)
  const siteFile = join(bench.directory, 'site.yaml')
  await writeFile(siteFile, site.replace('probeMs: 0', 'probeMs: 400'))
  const served = await bench.serve({ siteFile })
  await networks.relay.run('ip', ['addr', 'add', '10.98.0.50/24', 'dev', 'bw-down'])
  await startPeer(t, networks.relay, 'dhcp-helper', ['-n', '-s', '10.99.0.1', '-i', 'bw-down'])
  const { script, told } = await writeClientScript(bench)
  const udhcpc = ['-i', bench.client.interface, '-f', '-q', '-n', '-t', '8', '-T', '2', '-s', script]
  await bench.client.run('udhcpc', udhcpc)
  assert.match(told(), /^ip=10\.98\.0\.51$/m)
  assert.match(served.story[0] ?? '', /10\.98\.0\.50 was to be offered, but somebody answers for it: quarantined/)
})
