import { runProgram } from '../../programs/run-program.ts'
import { rackNetwork } from '../../rack/switch.ts'

/** Drops what begins with `POST /ag` on its way to the server: the callback, and nothing a reset machine needs. */
export async function blockCallback(): Promise<void> {
  const beginning = `0x${Buffer.from('POST /ag').toString('hex')}`
  await runProgram('nft', ['add', 'table', 'inet', 'rack'])
  await runProgram('nft', ['add', 'chain', 'inet', 'rack', 'input', '{ type filter hook input priority 0; }'])
  const match = ['iifname', rackNetwork.bridge, 'meta', 'l4proto', 'tcp', '@ih,0,64', beginning, 'counter', 'drop']
  await runProgram('nft', ['add', 'rule', 'inet', 'rack', 'input', ...match])
}

export async function droppedPackets(): Promise<number> {
  const chain = await runProgram('nft', ['list', 'chain', 'inet', 'rack', 'input'])
  return Number(/counter packets (\d+)/.exec(chain)?.[1] ?? 0)
}
