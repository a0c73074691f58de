import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { DecodeError } from '../bytes/decode-error.ts'
import { type DeployOrder, type Order, OrderRefused, signOrder } from '../core/order.ts'
import { findReadyLayout } from '../core/ready-layouts.ts'
import { followOrders, type MenuActions, readOrder } from './follow-orders.ts'
import { ServerClient } from './server-client.ts'

const trusted = generateKeyPairSync('ed25519')
const agentNonce = 'nonce-of-this-boot'
const errand: Order = {
  ...{ kind: 'errand', errandId: 'e1', machine: { id: 'm1', name: 'rack-1' }, agentNonce, sealed: '' },
  work: { kind: 'rescue', sshKeys: [] },
}
const reboot: Order = { kind: 'reboot', agentNonce, reason: 'the test is over' }
const deploy: DeployOrder = {
  kind: 'deploy',
  deploymentId: 'd1',
  machine: { id: 'm1', name: 'web-1' },
  agentNonce,
  image: 'debian',
  version: 'a'.repeat(64),
  diskRule: {},
  rendition: 'tree',
  layout: findReadyLayout('whole-disk')!,
  filesystem: 'ext4',
  handOver: 'reboot',
  keepVersions: 3,
  verify: 'whole',
  kernelArguments: [],
  sealed: '',
}

/** A server that gives these answers to GET /agent/order, one after the other. */
async function sessionWith(t: TestContext, answers: unknown[], asked: string[] = []) {
  const server = createServer(({ url }, response) => {
    asked.push(url!)
    response.end(JSON.stringify(answers.shift()))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close().closeAllConnections())
  return {
    client: new ServerClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    machine: { id: 'm1', name: 'web-1' },
    nonce: agentNonce,
    privateKey: generateKeyPairSync('x25519').privateKey,
    serverNowMs: 0,
  }
}

const signed = (order: Order, key: KeyObject = trusted.privateKey) => signOrder(order, key)

/** A menu that notes what becomes of it. */
function noMenu(isChosen = false): MenuActions & { told: string[] } {
  const told: string[] = []
  return {
    ...{ isChosen, told },
    get isShown() {
      return told.includes('shown')
    },
    show: () => void told.push('shown'),
    listen: () => {
      told.push('listens')
      return true
    },
  }
}

test('followOrders() acts on no order that is forged, for another boot or of an unknown shape', async (t) => {
  const forger = generateKeyPairSync('ed25519').privateKey
  const answers = [
    signed(deploy, forger),
    signed({ ...deploy, agentNonce: 'nonce-of-another-boot' }),
    signed({ ...deploy, layout: 'two-disks' } as unknown as Order),
    'nonsense',
    signed(reboot),
  ]
  const session = await sessionWith(t, answers)
  const refuse = async () => {
    throw new Error('it was acted on')
  }
  t.assert.equal(
    await followOrders(session, trusted.publicKey, { deploy: refuse, errand: refuse, menu: noMenu() }),
    'reboot',
  )
})

test('followOrders() does not try a failed deployment again in the same boot', async (t) => {
  const session = await sessionWith(t, [signed(deploy), signed(deploy), signed(reboot)])
  const done: string[] = []
  await followOrders(session, trusted.publicKey, {
    deploy: async ({ deploymentId }) => {
      done.push(deploymentId)
      return 'failed'
    },
    errand: async () => 'ended',
    menu: noMenu(),
  })
  t.assert.deepEqual(done, ['d1'])
})

test('followOrders() does a new deployment after a failed one', async (t) => {
  const session = await sessionWith(t, [signed(deploy), signed({ ...deploy, deploymentId: 'd2' }), signed(reboot)])
  const done: string[] = []
  await followOrders(session, trusted.publicKey, {
    deploy: async ({ deploymentId }) => {
      done.push(deploymentId)
      return 'failed'
    },
    errand: async () => 'ended',
    menu: noMenu(),
  })
  t.assert.deepEqual(done, ['d1', 'd2'])
})

test('followOrders() does an errand once, although the server has it at every question', async (t) => {
  const session = await sessionWith(t, [signed(errand), signed(errand), signed(reboot)])
  const done: string[] = []
  await followOrders(session, trusted.publicKey, {
    deploy: async () => 'failed',
    errand: async ({ errandId }) => {
      done.push(errandId)
      return 'ended'
    },
    menu: noMenu(),
  })
  t.assert.deepEqual(done, ['e1'])
})

test('followOrders() shows the menu that is ordered, says so, and goes on asking', async (t) => {
  const asked: string[] = []
  const session = await sessionWith(t, [signed({ kind: 'menu', agentNonce }), signed(reboot)], asked)
  const menu = noMenu(true)
  const never = async () => {
    throw new Error('there is no work')
  }
  await followOrders(session, trusted.publicKey, { deploy: never, errand: never, menu })
  t.assert.deepEqual(menu.told, ['shown', 'listens'])
  t.assert.deepEqual(asked, ['/agent/order?chosen=true', '/agent/order?chosen=true&shown=true'])
})

test('readOrder() tells a forged order from one it does not understand', (t) => {
  const forged = signed(reboot, generateKeyPairSync('ed25519').privateKey)
  t.assert.throws(() => readOrder(forged, trusted.publicKey, agentNonce), OrderRefused)
  const unknown = signed({ kind: 'dance', agentNonce } as unknown as Order)
  t.assert.throws(() => readOrder(unknown, trusted.publicKey, agentNonce), DecodeError)
  t.assert.deepEqual(readOrder(signed(reboot), trusted.publicKey, agentNonce), reboot)
})
