import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { type Network, openNetworkPair } from './network-pair.ts'

/** Runs in the server's network: what serveDhcp() does when iPXE has its lease. */
const advertise = (interfaceName: string, mac: string) =>
  `import { RouterAdvertiser } from ${JSON.stringify(new URL('../../src/net/router-advertisement.ts', import.meta.url))}
   using routers = new RouterAdvertiser(${JSON.stringify(interfaceName)})
   routers.advertiseNothing(${JSON.stringify(mac)})`

test('advertiseNothing() reaches the client’s link-local address, and an IPv6 stack takes it as valid', async (t: TestContext) => {
  const networks = await openNetworkPair(t)
  if (!networks) return
  const { server, client } = networks
  const { stdout } = await client.run('ip', ['-json', 'link', 'show', 'dev', client.interface])
  const [{ address }] = JSON.parse(stdout) as [{ address: string }]
  await linkLocalReady(server, client)
  const filter = 'icmp6 and ip6[40] == 134'
  const [program, values] = client.command('tcpdump', '-n', '-v', '-c', '1', '-i', client.interface, filter)
  const capture = spawn(program, values, { stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => capture.kill('SIGKILL'))
  await once(capture.stderr, 'data') // it listens
  let seen = ''
  capture.stdout.on('data', (text) => {
    seen += text
  })
  const node = await server.run(process.execPath, [
    '--input-type=module-typescript',
    '--eval',
    advertise(server.interface, address),
  ])
  assert.equal(node.code, 0, node.stderr)
  await once(capture, 'exit', { signal: AbortSignal.timeout(10_000) })
  assert.match(seen, /hlim 255/)
  assert.match(seen, /router advertisement.*Flags \[none\].*router lifetime 0s/s)
  const routes = await client.run('ip', ['-6', 'route', 'show', 'default'])
  assert.equal(routes.stdout, '', 'nobody takes it for a router')
})

/** A link-local address is usable once nobody else has claimed it, which takes a second or two. */
async function linkLocalReady(...networks: Network[]) {
  for (const network of networks as {
    interface: string
    run: (program: string, values: string[]) => Promise<{ stdout: string }>
  }[]) {
    for (let deadline = performance.now() + 10_000; performance.now() < deadline; ) {
      const { stdout } = await network.run('ip', ['-6', 'address', 'show', 'dev', network.interface])
      if (stdout.includes('fe80::') && !stdout.includes('tentative')) break
    }
  }
}
