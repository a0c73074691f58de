import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { Mac } from '../../src/bytes/mac.ts'
import { agentArguments } from '../../src/core/agent-arguments.ts'
import type {
  DoneReport,
  Inventory,
  OutputReport,
  ProgressReport,
  ScriptReply,
  SessionReply,
  SessionRequest,
  WorkStep,
} from '../../src/core/agent-protocol.ts'
import { errandSteps } from '../../src/core/errand.ts'
import type { Order, SignedOrder } from '../../src/core/order.ts'
import { encodePublicKey } from '../../src/core/seal.ts'
import { GaveUp } from './gave-up.ts'
import type { HttpConnection } from './http-connection.ts'

/** What the agent does with an errand `run`, request by request; its script takes no time. Rejects with GaveUp. */
export async function liveAsAgent(
  connection: HttpConnection,
  { mac, uuid, words }: { mac: Mac; uuid: string; words: ReadonlyMap<string, string> },
): Promise<void> {
  const nonce = randomBytes(16).toString('hex')
  const token = words.get(agentArguments.token)
  const publicKey = encodePublicKey(generateKeyPairSync('x25519').publicKey)
  const offer: SessionRequest = { mac, publicKey, nonce, ...(token !== undefined && { token }) }
  const { session } = await ask<SessionReply>(connection, 'POST', '/agent/session', offer)
  const say = (path: string, body: unknown) => ask<undefined>(connection, 'POST', path, body, session)
  await say('/agent/inventory', inventoryOf(mac, uuid))
  const workId = await orderOf(connection, session)
  const report = (step: WorkStep, state: ProgressReport['state']) =>
    say('/agent/progress', { workId, step, state, ...(state === 'done' && { seconds: 0.1 }) } satisfies ProgressReport)
  const [, ...steps] = errandSteps.run // It has booted.
  for (const step of steps) {
    await report(step, 'started')
    if (step === 'fetch-script') await ask<ScriptReply>(connection, 'GET', '/agent/script', undefined, session)
    else await say('/agent/output', { workId, offset: 0, text: 'hello\n' } satisfies OutputReport)
    await report(step, 'done')
  }
  await say('/agent/done', { workId, detail: 'it ended with status 0', result: { status: 0 } } satisfies DoneReport)
}

async function orderOf(connection: HttpConnection, session: string): Promise<string> {
  for (;;) {
    const signed = await ask<SignedOrder>(connection, 'GET', '/agent/order', undefined, session)
    const order = JSON.parse(signed.order) as Order
    if (order.kind === 'errand') return order.errandId
    if (order.kind !== 'wait') throw new GaveUp(`the order is ${order.kind}`)
  }
}

async function ask<Reply>(
  connection: HttpConnection,
  method: string,
  path: string,
  body?: unknown,
  session?: string,
): Promise<Reply> {
  const { status, text } = await connection.request(method, path, body, session)
  if (status >= 300) throw new GaveUp(`${method} ${path}: ${status} ${text}`)
  return (text === '' ? undefined : JSON.parse(text)) as Reply
}

function inventoryOf(mac: Mac, uuid: string): Inventory {
  return {
    ...{ firmware: 'uefi', architecture: 'x64', memoryBytes: 64 * 2 ** 30 },
    smbios: { uuid, manufacturer: 'Storm', product: 'Simulated', serial: uuid.slice(-12) },
    cpu: { model: 'simulated', count: 32 },
    disks: ['sda', 'sdb'].map((name) => ({
      ...{ device: `/dev/${name}`, bus: 'sata', model: 'SIMULATED 960', serial: `${uuid}-${name}` },
      ...{ sizeBytes: 960e9, logicalSectorBytes: 512, physicalSectorBytes: 4096 },
      ...{ rotational: false, removable: false, readOnly: false },
    })),
    interfaces: [{ name: 'eth0', mac, driver: 'ixgbe', linkUp: true, speedMbps: 10_000, bootedFrom: true }],
    drivers: ['ahci', 'ixgbe'],
  }
}
