import { runProgram } from '../programs/run-program.ts'

/** The rack's network; it exists in its own network namespace only, so every rack can use the same numbers. */
export const rackNetwork = {
  bridge: 'br0',
  serverAddress: '10.77.0.1',
  prefixLength: 24,
  subnet: '10.77.0.0/24',
} as const

/** Makes the bridge that is the rack's switch, with the server's address. Rejects with ProgramFailed. */
export async function openSwitch(): Promise<void> {
  const { bridge, serverAddress, prefixLength } = rackNetwork
  await runProgram('ip', ['link', 'set', 'lo', 'up'])
  await addSwitch(bridge)
  await runProgram('ip', ['address', 'add', `${serverAddress}/${prefixLength}`, 'dev', bridge])
}

/** Another segment, where the server has no address. */
export async function addSwitch(bridge: string): Promise<void> {
  // no spanning tree and no snooping: ports forward from the first packet
  await runProgram('ip', ['link', 'add', bridge, 'type', 'bridge', 'forward_delay', '0', 'mcast_snooping', '0'])
  await runProgram('ip', ['link', 'set', bridge, 'up'])
}

/** A cable between the rack's switch and another. */
export async function joinSwitch(bridge: string): Promise<void> {
  const ends = [`up-${bridge}`, `down-${bridge}`] as const
  await runProgram('ip', ['link', 'add', ends[0], 'type', 'veth', 'peer', 'name', ends[1]])
  await runProgram('ip', ['link', 'set', ends[0], 'master', rackNetwork.bridge, 'up'])
  await runProgram('ip', ['link', 'set', ends[1], 'master', bridge, 'up'])
}

/** Spanning tree on a switch: a port that gets its link is silent for twice the delay (802.1D has 15 s). */
export async function startSpanningTree(bridge: string, forwardDelaySeconds: number): Promise<void> {
  const delay = ['forward_delay', String(forwardDelaySeconds * 100)]
  await runProgram('ip', ['link', 'set', bridge, 'type', 'bridge', 'stp_state', '1', ...delay])
}

/** Adds a port; `tap` names it, and is the interface a machine plugs into. */
export async function addPort(tap: string, bridge: string): Promise<void> {
  await runProgram('ip', ['tuntap', 'add', tap, 'mode', 'tap'])
  await runProgram('ip', ['link', 'set', tap, 'master', bridge, 'up'])
}

/** Pulls the cable out of a port, or plugs it in. */
export async function setPort(tap: string, state: 'up' | 'down'): Promise<void> {
  await runProgram('ip', ['link', 'set', tap, state])
}

/** The port loses its link and has it again at once, as when a driver resets its card: spanning tree begins anew. */
export async function bouncePort(tap: string): Promise<void> {
  await setPort(tap, 'down')
  await setPort(tap, 'up')
}

/** What goes to the machine on a port goes no faster than that. */
export async function slowPort(tap: string, bitsPerSecond: number): Promise<void> {
  const queue = ['tbf', 'rate', `${bitsPerSecond}bit`, 'burst', '64kb', 'latency', '200ms']
  await runProgram('tc', ['qdisc', 'add', 'dev', tap, 'root', ...queue])
}
