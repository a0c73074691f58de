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
  // no spanning tree and no snooping: ports forward from the first packet
  await runProgram('ip', ['link', 'add', bridge, 'type', 'bridge', 'forward_delay', '0', 'mcast_snooping', '0'])
  await runProgram('ip', ['address', 'add', `${serverAddress}/${prefixLength}`, 'dev', bridge])
  await runProgram('ip', ['link', 'set', bridge, 'up'])
}

/** Adds a port; its name is the tap interface a machine plugs into. */
export async function addPort(index: number): Promise<string> {
  const tap = `tap${index}`
  await runProgram('ip', ['tuntap', 'add', tap, 'mode', 'tap'])
  await runProgram('ip', ['link', 'set', tap, 'master', rackNetwork.bridge, 'up'])
  return tap
}
