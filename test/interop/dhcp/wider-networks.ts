import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { holdNetwork, Network, openNetworkPair } from '../network-pair.ts'

/** `client` (no address) — 10.98.0.1 `relay` 10.99.0.2 — 10.99.0.1 `server`, which reaches the clients through it. */
export async function openRelayedNetworks(
  t: TestContext,
): Promise<{ server: Network; relay: Network; client: Network } | undefined> {
  const pair = await openNetworkPair(t)
  if (!pair) return undefined
  const { server, client: relay } = pair
  const client = new Network(await holdNetwork(t), 'bw-far', '10.98.0.2')
  await addCable(relay, 'bw-down', client, client.interface)
  await all(relay, ['ip addr add 10.98.0.1/24 dev bw-down', 'sysctl -qw net.ipv4.ip_forward=1'])
  await all(server, ['ip route add 10.98.0.0/24 via 10.99.0.2'])
  return { server, relay, client }
}

/** `server` 10.99.0.1, `foreign` 10.99.0.2 and `client` (no address) on one switch. */
export async function openSharedSegment(
  t: TestContext,
): Promise<{ server: Network; foreign: Network; client: Network } | undefined> {
  const pair = await openNetworkPair(t)
  if (!pair) return undefined
  const hub = new Network(await holdNetwork(t), 'bw-hub', '')
  const client = new Network(await holdNetwork(t), 'bw-third', '')
  const { server, client: foreign } = pair
  await all(server, ['ip link del bw-server'])
  await all(hub, ['ip link add bw-hub type bridge', 'ip link set bw-hub up'])
  for (const [index, network] of [server, foreign, client].entries()) {
    await addCable(hub, `port${index}`, network, network.interface)
    await all(hub, [`ip link set port${index} master bw-hub`])
    if (network.address) await all(network, [`ip addr add ${network.address}/24 dev ${network.interface}`])
  }
  return { server, foreign, client }
}

async function addCable(a: Network, nameA: string, b: Network, nameB: string): Promise<void> {
  await all(a, [
    `ip link add ${nameA} type veth peer name ${nameB}`,
    `ip link set ${nameB} netns ${b.holder.pid}`,
    `ip link set ${nameA} up`,
  ])
  await all(b, ['ip link set lo up', `ip link set ${nameB} up`])
}

async function all(network: Network, lines: readonly string[]): Promise<void> {
  for (const line of lines) {
    const [program = '', ...values] = line.split(' ')
    const { code, stderr } = await network.run(program, values)
    assert.equal(code, 0, `${line}: ${stderr}`)
  }
}
