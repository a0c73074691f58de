import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { parseIpv4 } from '../../src/bytes/ipv4.ts'
import { parseMac } from '../../src/bytes/mac.ts'
import type { BootRecord } from '../../src/core/machine.ts'
import { type DhcpBench, openDhcpBench, until } from './dhcp/bench.ts'
import { writeClientScript } from './dhcp/client-script.ts'
import { runPeer } from './dhcp/peer.ts'

const oneMinute = { timeout: 60_000 }

async function machineAt(bench: DhcpBench, address: string): Promise<BootRecord> {
  const { stdout } = await bench.client.run('ip', ['-o', 'link', 'show', 'dev', bench.client.interface])
  const mac = parseMac(/link\/ether (\S+)/.exec(stdout)?.[1] ?? '')
  const intent = { kind: 'local', revision: 1 } as const
  return { id: 'm1', name: 'web1', macs: [mac], group: 'default', address, intent }
}

/** It sends by the routing table, as it expects to run before anything else is set up. */
async function bootpc(bench: DhcpBench, timeoutSeconds: number) {
  await bench.client.run('ip', ['route', 'replace', 'default', 'dev', bench.client.interface])
  const values = ['--dev', bench.client.interface, '--timeoutwait', String(timeoutSeconds)]
  return runPeer(bench.client, 'bootpc', [...values, '--serverbcast', '--returniffail'])
}

test('serveDhcp() gives bootpc, a BOOTP client, its reserved address', oneMinute, async (t: TestContext) => {
  const bench = await openDhcpBench(t)
  if (!bench) return
  const overrides = { routers: [parseIpv4('10.99.0.1')], nameServers: [parseIpv4('10.99.0.1')], bootFile: 'pxelinux.0' }
  const served = await bench.serve({ machines: [await machineAt(bench, '10.99.0.20')], overrides })
  const { stdout, stderr } = await bootpc(bench, 8)
  assert.match(stdout, /IPADDR='10\.99\.0\.20'/, stderr)
  for (const line of ["NETMASK='255.255.255.0'", "BOOTFILE='pxelinux.0'", "GATEWAYS_1='10.99.0.1'"]) {
    assert.ok(stdout.includes(line), stdout)
  }
  await until(
    () => served.story[0] === 'BOOTP → BOOTP 10.99.0.20',
    () => served.story.join('; '),
  )
})

test('serveDhcp() gives bootpc a pool address only where that is allowed', oneMinute, async (t: TestContext) => {
  const bench = await openDhcpBench(t)
  if (!bench) return
  const refusing = await bench.serve()
  await bootpc(bench, 2)
  await until(
    () => refusing.story[0]?.startsWith('BOOTP → ignore: a BOOTP client without a reservation') ?? false,
    () => refusing.story.join('; '),
  )
  await refusing.end('SIGTERM')
  await bench.serve({ overrides: { bootp: 'dynamic' } })
  assert.match((await bootpc(bench, 8)).stdout, /IPADDR='10\.99\.0\.128'/)
})

test('serveDhcp() gives dhcpcd an address, its routes and its search list', oneMinute, async (t: TestContext) => {
  const bench = await openDhcpBench(t)
  if (!bench) return
  const route = { to: { network: parseIpv4('10.50.0.0'), prefixLength: 16 }, via: parseIpv4('10.99.0.9') }
  const served = await bench.serve({ overrides: { routers: [parseIpv4('10.99.0.1')], routes: [route] } })
  const { script, told } = await writeClientScript(bench)
  const values = ['-4', '-1', '-B', '-d', '-t', '20', '-f', '/dev/null', '-c', script, bench.client.interface]
  const { stderr } = await runPeer(bench.client, 'dhcpcd', values)
  assert.deepEqual(served.story, ['DISCOVER → OFFER 10.99.0.128', 'REQUEST → ACK 10.99.0.128'], stderr)
  assert.match(told(), /new_ip_address=10\.99\.0\.128/)
  assert.match(told(), /new_classless_static_routes=10\.50\.0\.0\/16 10\.99\.0\.9 0\.0\.0\.0\/0 10\.99\.0\.1/)
})
