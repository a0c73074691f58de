import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type DhcpBench, openDhcpBench } from './dhcp/bench.ts'

const bootwright = join(import.meta.dirname, '../../bin/bootwright')
const oneMinute = { timeout: 60_000 }

async function serve(bench: DhcpBench, ...values: string[]) {
  return bench.server.run(bootwright, ['serve', '--data', join(bench.directory, 'data'), ...values])
}

test('bootwright serve refuses an interface whose own address came from DHCP', oneMinute, async (t: TestContext) => {
  const bench = await openDhcpBench(t)
  if (!bench) return
  const { interface: name, address } = bench.server
  const lease = ['valid_lft', '3600', 'preferred_lft', '3600']
  await bench.server.run('ip', ['addr', 'change', `${address}/24`, 'dev', name, ...lease])
  const { code, stderr } = await serve(bench, '--interface', name)
  assert.equal(code, 1)
  assert.match(
    stderr,
    /Cannot serve on bw-server: its own address 10\.99\.0\.1 came from a DHCP server.*--even-if-dynamic/,
  )
})

test('bootwright serve says where a site file is wrong', oneMinute, async (t: TestContext) => {
  const bench = await openDhcpBench(t)
  if (!bench) return
  const file = join(bench.directory, 'site.yaml')
  await writeFile(file, 'interfaces:\n  bw-server: { mode: proxy }\n  eth9: { mode: proxy }\n')
  const { code, stderr } = await serve(bench, '--config', file)
  assert.equal(code, 1)
  assert.match(
    stderr,
    /site\.yaml:3:3: interfaces\.eth9: it has no IPv4 address or is not up \(interfaces with one: bw-server\)/,
  )
})

test('bootwright serve says what is missing when nothing says where to serve', oneMinute, async (t: TestContext) => {
  const bench = await openDhcpBench(t)
  if (!bench) return
  const { code, stderr } = await serve(bench)
  assert.equal(code, 1)
  assert.match(stderr, /nothing says where to serve: give --interface, or a site file by --config/)
})
